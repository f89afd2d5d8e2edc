import { element, short } from "./svg.ts";

/** A point on the page. */
export type Point = readonly [x: number, y: number];

/** How an arrow is drawn. */
export interface ArrowOptions {
  readonly stroke?: string;
  readonly isDashed?: boolean;
  /** Two points that bend it, as the control points of a cubic curve; straight without. */
  readonly bend?: readonly [Point, Point];
}

const HEAD = 9, HALF = 4, LINE = 1.6;

const show = (...points: readonly Point[]): string => points.map(([x, y]) => `${short(x)} ${short(y)}`).join(" ");

/** An arrow with a filled head, from one point to another. */
export const arrow = (from: Point, to: Point, { stroke = "#000", isDashed, bend }: ArrowOptions = {}): string => {
  const [x, y] = to;
  const [behindX, behindY] = bend ? bend[1] : from;
  const length = Math.hypot(x - behindX, y - behindY);
  const [dx, dy] = [(x - behindX) / length, (y - behindY) / length];
  // The line ends within the head, so that its blunt end is not seen.
  const neck: Point = [x - dx * (HEAD - 1), y - dy * (HEAD - 1)];
  const left: Point = [x - dx * HEAD - dy * HALF, y - dy * HEAD + dx * HALF];
  const right: Point = [x - dx * HEAD + dy * HALF, y - dy * HEAD - dx * HALF];
  const d = bend ? `M${show(from)}C${show(...bend, neck)}` : `M${show(from)}L${show(neck)}`;
  return element("path", {
    d,
    fill: "none",
    stroke,
    "stroke-width": LINE,
    "stroke-dasharray": isDashed ? "6 4" : undefined,
  }) +
    element("path", { d: `M${show(to)}L${show(left, right)}Z`, fill: stroke });
};
