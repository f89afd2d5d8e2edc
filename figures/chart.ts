import { type Axis, type AxisOptions, layAxis } from "./axis.ts";
import { element, short } from "./svg.ts";
import { typeset } from "./typeset.ts";

/** A curve. */
export interface Series {
  /** As `typeset` sets it; named in the legend where there are several. */
  readonly name: string;
  readonly points: readonly {
    readonly x: number;
    readonly y: number;
    /** How far to both sides the band around the curve reaches, in units of y. */
    readonly error?: number | null;
  }[];
  /** A colour of SVG. */
  readonly colour?: string;
  /** Marks every point, where there are few. */
  readonly dots?: boolean;
}

/** What a chart shows, and how large it is with its axes and title. */
export interface ChartOptions {
  readonly title: string;
  readonly width: number;
  readonly height: number;
  readonly x: AxisOptions;
  readonly y: AxisOptions;
  readonly series: readonly Series[];
}

/** Colours that differ for the colour-blind too (Okabe & Ito), as dark as lines need. */
const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7"];
const INK = "#222", GRID = "#e4e4e4", AXIS = "#888";
const MARGIN = { left: 66, right: 14, top: 34, bottom: 46 };
const LEGEND = 20;
const SIZES = { title: 16, label: 15, tick: 13 };

type Placed = readonly [number, number];

const placed = (points: readonly { x: number; y: number }[], x: Axis, y: Axis): Placed[] =>
  points.map((point) => [x.place(point.x), y.place(point.y)]).filter((at): at is [number, number] =>
    at[0] !== null && at[1] !== null
  );

const path = (points: readonly Placed[]): string => points.map(([x, y]) => `${short(x)} ${short(y)}`).join("L");

const curve = ({ points, dots, colour }: Series & { colour: string }, x: Axis, y: Axis): string => {
  const line = placed(points, x, y);
  const side = (sign: number) =>
    placed(points.map((point) => ({ ...point, y: point.y + sign * (point.error ?? 0) })), x, y);
  const hasErrors = points.some(({ error }) => error);
  const band = hasErrors ? [...side(1), ...side(-1).reverse()] : [];
  return [
    band.length > 0 ? element("path", { d: `M${path(band)}Z`, fill: colour, "fill-opacity": 0.2 }) : "",
    element("path", { d: `M${path(line)}`, fill: "none", stroke: colour, "stroke-width": 1.6 }),
    ...(dots ? line.map(([cx, cy]) => element("circle", { cx, cy, r: 2.6, fill: colour })) : []),
  ].join("");
};

const rule = (x1: number, y1: number, x2: number, y2: number, stroke: string): string =>
  element("path", { d: `M${short(x1)} ${short(y1)}L${short(x2)} ${short(y2)}`, fill: "none", stroke });

/**
 * A chart of curves over two axes, with a legend where there are several, as a part of a picture: its top left corner at
 * (0, 0).
 *
 * @throws {SyntaxError} if a label is not what `typeset` takes
 */
export const chart = ({ title, width, height, x, y, series }: ChartOptions): string => {
  const top = MARGIN.top + (series.length > 1 ? LEGEND : 0);
  const [left, right, bottom] = [MARGIN.left, width - MARGIN.right, height - MARGIN.bottom];
  const points = series.flatMap((one) => one.points);
  const across = layAxis(x, points.map((point) => point.x), [left, right]);
  const up = layAxis(y, points.map((point) => point.y), [bottom, top]);
  const coloured = series.map((one, i) => ({ ...one, colour: one.colour ?? COLOURS[i % COLOURS.length] }));

  const marks = [
    ...across.ticks.map(({ value, text }) => {
      const at = across.place(value)!;
      const label = text === "" ? "" : typeset(text, { size: SIZES.tick, fill: INK }).at(at, bottom + 18, {
        anchor: "middle",
      });
      return rule(at, bottom, at, bottom + (text === "" ? 3 : 5), AXIS) + label;
    }),
    ...up.ticks.map(({ value, text }) => {
      const at = up.place(value)!;
      if (text === "") return rule(left - 3, at, left, at, AXIS);
      const label = typeset(text, { size: SIZES.tick, fill: INK }).at(left - 8, at + 4.5, { anchor: "end" });
      return rule(left, at, right, at, GRID) + rule(left - 5, at, left, at, AXIS) + label;
    }),
  ];
  let legendAt = left;
  const legend = series.length < 2 ? [] : coloured.map(({ name, colour }) => {
    const text = typeset(name, { size: SIZES.tick, fill: INK });
    const entry = element("path", { d: `M${legendAt} ${top - 15}h18`, stroke: colour, "stroke-width": 2.4 }) +
      text.at(legendAt + 24, top - 11);
    legendAt += 24 + text.width + 18;
    return entry;
  });
  // A picture within the picture: what leaves it is cut off.
  const inside = { x: left, y: top, width: right - left, height: bottom - top };
  const viewBox = Object.values(inside).map(short).join(" ");
  return [
    typeset(title, { size: SIZES.title, style: "bold", fill: INK }).at(left, 18),
    ...marks,
    ...legend,
    element("svg", { ...inside, viewBox }, ...coloured.map((one) => curve(one, across, up))),
    rule(left, bottom, right, bottom, AXIS),
    rule(left, top, left, bottom, AXIS),
    typeset(x.label, { size: SIZES.label, fill: INK }).at((left + right) / 2, height - 8, { anchor: "middle" }),
    typeset(y.label, { size: SIZES.label, fill: INK }).at(16, (top + bottom) / 2, { anchor: "middle", turn: -90 }),
  ].join("\n");
};

/** Puts a part of a picture elsewhere. */
export const moved = (part: string, x: number, y: number): string =>
  element("g", { transform: `translate(${short(x)} ${short(y)})` }, part);
