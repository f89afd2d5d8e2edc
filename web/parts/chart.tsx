import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import { useStore } from "../state/store.ts";
import { theme } from "../state/theme.ts";

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
  /** Drawn on where values are missing, as where x belongs to another line. */
  readonly spansGaps?: boolean;
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
  const current = useRef({ marker, onPick });
  current.current = { marker, onPick };
  const shown = useStore(theme);
  const shape = lines.map(({ name, isMain, dash, isDots, color }) => `${name} ${isMain} ${dash} ${isDots} ${color}`)
    .join();

  const data = (): uPlot.AlignedData => [
    Array.from(x),
    ...lines.map(({ values }) =>
      Array.from(values, (v) => v !== null && Number.isFinite(v) && (!isLog || v > 0) ? v : null)
    ),
  ];

  useEffect(() => {
    const { of, soft, line, strong, accent } = colors();
    const font = `12px ${getComputedStyle(document.body).fontFamily}`;
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
        padding: [10, 18, 0, 0],
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
          ...lines.map(({ name, isMain, dash, isDots, color, spansGaps = false }): uPlot.Series => ({
            label: name,
            stroke: color ? of(color) : isMain ? accent : strong,
            spanGaps: spansGaps,
            width: isDots ? 0 : isMain ? 2.5 : 1.25,
            dash: dash && [...dash],
            points: isDots ? { show: true, size: 3, stroke: strong, fill: strong } : { show: false },
          })),
        ],
        hooks: {
          draw: [({ ctx, bbox, valToPos }) => {
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
