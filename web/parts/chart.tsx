import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import { useStore } from "../state/store.ts";
import { theme } from "../state/theme.ts";
import { spreadLabels } from "./labels.ts";

/** One line of a chart. */
interface ChartLine {
  readonly name: string;
  /** One value an x; null or a number that is not finite leaves a gap. */
  readonly values: ArrayLike<number | null>;
  /** Drawn over the others, in the accent. */
  readonly isMain?: boolean;
  /** Lengths of strokes and gaps. */
  readonly dash?: readonly number[];
  /** Drawn as dots. */
  readonly isDots?: boolean;
  /** A custom property of the page's style, as `--series-1`, in the place of the accent and the gray. */
  readonly color?: string;
  /** Where its name is written: after its last point, or over its highest one; nowhere by default. */
  readonly labelAt?: "end" | "peak";
}

const colors = () => {
  const style = getComputedStyle(document.documentElement);
  const of = (name: string) => style.getPropertyValue(name).trim();
  return {
    of,
    ink: of("--ink"),
    soft: of("--soft"),
    line: of("--line"),
    strong: of("--strong"),
    accent: of("--accent"),
  };
};

/** Room of a label above and below its middle, in CSS pixels. */
const LABEL_HEIGHT = 14;

/** Room for names after the lines, in CSS pixels. */
const LABEL_ROOM = 76;

/** Writes the names of the lines at them, none upon another. */
const drawLabels = (
  { ctx, bbox, data, valToPos }: uPlot,
  lines: readonly ChartLine[],
  { font, halo, colorOf }: { font: string; halo: string; colorOf: (line: ChartLine) => string },
): void => {
  const ratio = devicePixelRatio;
  const [top, bottom] = [bbox.top, bbox.top + bbox.height];
  const labels = lines.flatMap((line, i) => {
    const values = data[i + 1];
    const known = Array.from(values, (v, j) => typeof v === "number" ? j : -1).filter((j) => j >= 0);
    if (line.labelAt === undefined || known.length === 0) return [];
    const j = line.labelAt === "end" ? known.at(-1)! : known.reduce((a, b) => values[b]! > values[a]! ? b : a);
    const y = Math.min(bottom, Math.max(top, valToPos(values[j]!, "y", true)));
    return [{ line, x: valToPos(data[0][j], "x", true), y }];
  });
  const least = top + LABEL_HEIGHT / 2 * ratio;
  const ends = labels.filter(({ line }) => line.labelAt === "end");
  const heights = spreadLabels(ends.map(({ y }) => y), { gap: LABEL_HEIGHT * ratio, least, most: bottom });
  ctx.save();
  ctx.textAlign = "left";
  ctx.textBaseline = "middle";
  ctx.lineJoin = "round";
  const write = (line: ChartLine, x: number, y: number) => {
    ctx.font = `${line.isMain ? "600 " : ""}${font}`.replace("12px", `${12 * ratio}px`);
    ctx.strokeStyle = halo;
    ctx.lineWidth = 4 * ratio;
    ctx.strokeText(line.name, x, y);
    ctx.fillStyle = colorOf(line);
    ctx.fillText(line.name, x, y);
  };
  ends.forEach(({ line, x, y }, i) => {
    ctx.strokeStyle = colorOf(line);
    ctx.lineWidth = ratio;
    ctx.beginPath();
    ctx.moveTo(x, y);
    ctx.lineTo(x + 8 * ratio, heights[i]);
    ctx.stroke();
    write(line, x + 11 * ratio, heights[i]);
  });
  const peaks = labels.filter(({ line }) => line.labelAt === "peak");
  const above = spreadLabels(peaks.map(({ y }) => y - LABEL_HEIGHT * ratio), {
    gap: LABEL_HEIGHT * ratio,
    least,
    most: bottom,
  });
  ctx.textAlign = "center";
  peaks.forEach(({ line, x }, i) => {
    const half = 70 * ratio;
    write(line, Math.min(bbox.left + bbox.width - half, Math.max(bbox.left + half, x)), above[i]);
  });
  ctx.restore();
};

/** A chart with lines in one accent and grays, in the page's colors. */
export const Chart = ({ label, xLabel, x, lines, marker, height = 260, isLog = false, range, onPick }: {
  /** What it shows, for those who do not see it. */
  label: string;
  xLabel: string;
  x: ArrayLike<number>;
  lines: readonly ChartLine[];
  /** Where a line stands across. */
  marker?: number;
  height?: number;
  isLog?: boolean;
  /** Least and most of y; as the values are by default. */
  range?: readonly [number, number];
  onPick?: (x: number) => void;
}) => {
  const root = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const current = useRef({ marker, onPick, lines });
  current.current = { marker, onPick, lines };
  const shown = useStore(theme);
  const shape = lines.map(({ name, isMain, dash, isDots, color }) => `${name} ${isMain} ${dash} ${isDots} ${color}`)
    .join();
  const hasEnds = lines.some(({ labelAt }) => labelAt === "end");

  const data = (): uPlot.AlignedData => [
    Array.from(x),
    ...lines.map(({ values }) =>
      Array.from(values, (v) => v !== null && Number.isFinite(v) && (!isLog || v > 0) ? v : null)
    ),
  ];

  useEffect(() => {
    const { of, soft, line, strong, accent } = colors();
    const font = `12px ${getComputedStyle(document.body).fontFamily}`;
    const colorOf = ({ color, isMain }: ChartLine) => color ? of(color) : isMain ? accent : strong;
    const axis: uPlot.Axis = {
      stroke: soft,
      font,
      labelFont: font,
      grid: { stroke: line, width: 1 },
      ticks: { stroke: line, width: 1, size: 4 },
    };
    const made = new uPlot(
      {
        width: Math.max(1, root.current!.clientWidth),
        height,
        padding: [10, hasEnds ? LABEL_ROOM : 18, 0, 0],
        legend: { show: false },
        cursor: { show: true, y: false, drag: { x: false, y: false }, points: { show: false } },
        scales: {
          x: { time: false },
          y: { distr: isLog ? 3 : 1, ...(range ? { range: [range[0], range[1]] as uPlot.Range.MinMax } : {}) },
        },
        axes: [
          { ...axis, label: xLabel, labelSize: 20, size: 30 },
          {
            ...axis,
            size: 52,
            values: (_, ticks) => ticks.map((v) => v === null ? "" : String(Number(v.toPrecision(3)))),
          },
        ],
        series: [
          {},
          ...lines.map(({ name, isMain, dash, isDots, color }): uPlot.Series => ({
            label: name,
            stroke: color ? of(color) : isMain ? accent : strong,
            width: isDots ? 0 : isMain ? 3 : color ? 1.75 : 1.25,
            dash: dash && [...dash],
            points: isDots ? { show: true, size: 3, stroke: strong, fill: strong } : { show: false },
          })),
        ],
        hooks: {
          draw: [(drawn) => {
            drawLabels(drawn, current.current.lines, { font, halo: of("--paper"), colorOf });
          }, ({ ctx, bbox, valToPos }) => {
            const { marker } = current.current;
            if (marker === undefined) return;
            const at = Math.round(valToPos.call(made, marker, "x", true)) + 0.5;
            ctx.save();
            ctx.strokeStyle = accent;
            ctx.lineWidth = devicePixelRatio;
            ctx.beginPath();
            ctx.moveTo(at, bbox.top);
            ctx.lineTo(at, bbox.top + bbox.height);
            ctx.stroke();
            ctx.restore();
          }],
          ready: [(ready) => {
            ready.over.addEventListener("click", () => {
              const at = ready.posToVal(ready.cursor.left!, "x");
              current.current.onPick?.(at);
            });
          }],
        },
      },
      data(),
      root.current!,
    );
    plot.current = made;
    const resized = new ResizeObserver(([{ contentRect: { width } }]) => width > 0 && made.setSize({ width, height }));
    resized.observe(root.current!);
    return () => {
      resized.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [shown, shape, height, isLog, xLabel, range?.[0], range?.[1]]);

  useEffect(() => plot.current?.setData(data()), [x, lines]);
  useEffect(() => plot.current?.redraw(false, false), [marker]);

  return (
    <div class="chart">
      <div ref={root} role="img" aria-label={label} style={{ height: `${height}px` }} />
    </div>
  );
};
