// @ts-types="@types/d3-scale"
import { scaleLinear, scaleLog } from "d3-scale";
import { element, shortNumber } from "./svg.ts";
import { typeset } from "./typeset.ts";

/** What a chart has along one side. */
export interface AxisOptions {
  /** As `typeset` sets it. */
  readonly label: string;
  /** "linear" by default. On "log" what is not above 0 is left out. */
  readonly scale?: "linear" | "log";
  /** From where to where, rounded outwards to a tick if left out. */
  readonly domain?: readonly [number, number];
}

/** An axis of numbers, laid over a stretch of a picture. */
export interface Axis {
  /** Where a number is; `null` where a logarithm has none. */
  position(value: number): number | null;
  /** Numbers to be marked, and what is written there (as `typeset` sets it; nothing for a mark between). */
  readonly ticks: readonly { readonly value: number; readonly text: string }[];
}

const powerOfTen = (exponent: number): string => exponent === 0 ? "1" : exponent === 1 ? "10" : `$10^{${exponent}}$`;

const plainNumber = (value: number): string =>
  value.toLocaleString("en", { maximumSignificantDigits: 6, useGrouping: false });

const logAxis = (domain: readonly [number, number], range: readonly [number, number]): Axis => {
  const scale = scaleLog().domain(domain).range(range);
  const decades = Math.log10(domain[1] / domain[0]);
  // Every decade where there is room, else every second or third.
  const stride = Math.ceil(decades / 8);
  const ticks = scale.ticks().map((value) => {
    const exponent = Math.round(Math.log10(value));
    const isDecade = Math.abs(Math.log10(value) - exponent) < 1e-9;
    return { value, text: isDecade && exponent % stride === 0 ? powerOfTen(exponent) : "" };
  });
  return {
    position: (value) => value > 0 ? scale(value) : null,
    ticks: decades > 4 ? ticks.filter(({ value }) => Number.isInteger(Math.log10(value))) : ticks,
  };
};

/** Lays an axis over `range` for `values`. */
export const layAxis = (
  { scale = "linear", domain }: AxisOptions,
  values: readonly number[],
  range: readonly [number, number],
): Axis => {
  const shown = scale === "log" ? values.filter((value) => value > 0) : values;
  const extent = domain ?? [Math.min(...shown), Math.max(...shown)] as const;
  if (scale === "log") {
    const [low, high] = domain ?? scaleLog().domain(extent).nice().domain();
    return logAxis([low, high], range);
  }
  const linear = scaleLinear().domain(extent).range(range);
  if (!domain) linear.nice(5);
  return {
    position: (value) => linear(value),
    ticks: linear.ticks(5).map((value) => ({ value, text: plainNumber(value) })),
  };
};

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

type Position = readonly [number, number];

const positionsOf = (points: readonly { x: number; y: number }[], x: Axis, y: Axis): Position[] =>
  points.map((point) => [x.position(point.x), y.position(point.y)]).filter((at): at is [number, number] =>
    at[0] !== null && at[1] !== null
  );

const path = (points: readonly Position[]): string =>
  points.map(([x, y]) => `${shortNumber(x)} ${shortNumber(y)}`).join("L");

const curve = ({ points, dots, colour }: Series & { colour: string }, x: Axis, y: Axis): string => {
  const line = positionsOf(points, x, y);
  const side = (sign: number) =>
    positionsOf(points.map((point) => ({ ...point, y: point.y + sign * (point.error ?? 0) })), x, y);
  const hasErrors = points.some(({ error }) => error);
  const band = hasErrors ? [...side(1), ...side(-1).reverse()] : [];
  return [
    band.length > 0 ? element("path", { d: `M${path(band)}Z`, fill: colour, "fill-opacity": 0.2 }) : "",
    element("path", { d: `M${path(line)}`, fill: "none", stroke: colour, "stroke-width": 1.6 }),
    ...(dots ? line.map(([cx, cy]) => element("circle", { cx, cy, r: 2.6, fill: colour })) : []),
  ].join("");
};

const rule = (x1: number, y1: number, x2: number, y2: number, stroke: string): string =>
  element("path", {
    d: `M${shortNumber(x1)} ${shortNumber(y1)}L${shortNumber(x2)} ${shortNumber(y2)}`,
    fill: "none",
    stroke,
  });

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
      const at = across.position(value)!;
      const label = text === "" ? "" : typeset(text, { size: SIZES.tick, fill: INK }).at(at, bottom + 18, {
        anchor: "middle",
      });
      return rule(at, bottom, at, bottom + (text === "" ? 3 : 5), AXIS) + label;
    }),
    ...up.ticks.map(({ value, text }) => {
      const at = up.position(value)!;
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
  const viewBox = Object.values(inside).map(shortNumber).join(" ");
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
export const translate = (part: string, x: number, y: number): string =>
  element("g", { transform: `translate(${shortNumber(x)} ${shortNumber(y)})` }, part);
