import type { ImageShape } from "../formats/pixels.ts";
import { drawPicture, extentFor } from "./picture_table.ts";
import { element, shortNumber, svgDocument } from "./svg.ts";
import { paragraph, typeset, type TypesetLine } from "./typeset.ts";

/** A point on the page. */
export type PagePoint = readonly [x: number, y: number];

/** How an arrow is drawn. */
export interface ArrowOptions {
  readonly stroke?: string;
  readonly isDashed?: boolean;
  /** Two points that bend it, as the control points of a cubic curve; straight without. */
  readonly bend?: readonly [PagePoint, PagePoint];
}

const ARROW_HEAD = 9, ARROW_HALF = 4, ARROW_LINE = 1.6;

const pathPoints = (...points: readonly PagePoint[]): string =>
  points.map(([x, y]) => `${shortNumber(x)} ${shortNumber(y)}`).join(" ");

/** An arrow with a filled head, from one point to another. */
const arrow = (from: PagePoint, to: PagePoint, { stroke = "#000", isDashed, bend }: ArrowOptions = {}): string => {
  const [x, y] = to;
  const [behindX, behindY] = bend ? bend[1] : from;
  const length = Math.hypot(x - behindX, y - behindY);
  const [dx, dy] = [(x - behindX) / length, (y - behindY) / length];
  // The line ends within the head, so that its blunt end is not seen.
  const neck: PagePoint = [x - dx * (ARROW_HEAD - 1), y - dy * (ARROW_HEAD - 1)];
  const left: PagePoint = [x - dx * ARROW_HEAD - dy * ARROW_HALF, y - dy * ARROW_HEAD + dx * ARROW_HALF];
  const right: PagePoint = [x - dx * ARROW_HEAD + dy * ARROW_HALF, y - dy * ARROW_HEAD - dx * ARROW_HALF];
  const d = bend ? `M${pathPoints(from)}C${pathPoints(...bend, neck)}` : `M${pathPoints(from)}L${pathPoints(neck)}`;
  return element("path", {
    d,
    fill: "none",
    stroke,
    "stroke-width": ARROW_LINE,
    "stroke-dasharray": isDashed ? "6 4" : undefined,
  }) +
    element("path", { d: `M${pathPoints(to)}L${pathPoints(left, right)}Z`, fill: stroke });
};

/** What the figure of both processes shows. */
export interface ChainFigureInput {
  readonly shape: ImageShape;
  /** The images at the nodes. */
  readonly nodes: {
    readonly xT: Float32Array;
    readonly xt: Float32Array;
    readonly previous: Float32Array;
    readonly x0: Float32Array;
  };
  /** Ends the caption. */
  readonly note: string;
}

const REVERSE = "#1d5fa6", FORWARD = "#b4451f";
const MARGIN = 16, WIDTH = 936, NODE = 130, LABEL = 22, EQUATION = 17, LINE_GAP = 14;

const EQUATIONS = {
  reverse: [
    "p_\\theta(x_{0:T}) = p(x_T) \\prod_{t=1}^{T} p_\\theta(x_{t-1} \\mid x_t)",
    "p_\\theta(x_{t-1} \\mid x_t) = \\mathcal{N}\\big(x_{t-1};\\, \\mu_\\theta(x_t, t),\\, \\sigma_t^2 \\mathbf{I}\\big)",
    "\\mu_\\theta(x_t, t) = \\frac{1}{\\sqrt{\\alpha_t}} " +
    "\\Big(x_t - \\frac{\\beta_t}{\\sqrt{1 - \\bar\\alpha_t}}\\, \\epsilon_\\theta(x_t, t)\\Big)",
  ],
  forward: [
    "q(x_{1:T} \\mid x_0) = \\prod_{t=1}^{T} q(x_t \\mid x_{t-1})",
    "q(x_t \\mid x_{t-1}) = \\mathcal{N}\\big(x_t;\\, \\sqrt{1 - \\beta_t}\\, x_{t-1},\\, \\beta_t \\mathbf{I}\\big)",
    "q(x_t \\mid x_0) = \\mathcal{N}\\big(x_t;\\, \\sqrt{\\bar\\alpha_t}\\, x_0,\\, (1 - \\bar\\alpha_t) \\mathbf{I}\\big)",
  ],
} as const;

const setEquations = (equations: readonly string[]): TypesetLine[] =>
  equations.map((tex) => typeset(`$\\displaystyle ${tex}$`, { size: EQUATION }));

/** Both columns on common baselines, each row as high as the higher of its two. */
const drawEquations = (top: number, columns: readonly { x: number; lines: readonly TypesetLine[] }[]) => {
  let y = top;
  const drawn: string[] = [];
  for (let row = 0; row < columns[0].lines.length; row++) {
    const lines = columns.map(({ lines }) => lines[row]);
    y += Math.max(...lines.map(({ ascent }) => ascent));
    columns.forEach(({ x, lines }) => drawn.push(lines[row].at(x, y)));
    y += Math.max(...lines.map(({ descent }) => descent)) + LINE_GAP;
  }
  return { drawn, bottom: y - LINE_GAP };
};

/** The graphical model of Ho et al. 2020, figure 2, with images of a model at its nodes and the equations under it. */
export const chainFigure = ({ shape, nodes, note }: ChainFigureInput): string => {
  const extent = extentFor(shape, NODE);
  const { width, height } = extent;
  // The middle gap has room for an arrow's label; the outer ones for dots between two arrows.
  const gap = (WIDTH - 4 * width) / 3;
  const lefts = [0, 1, 2, 3].map((i) => MARGIN + i * (width + gap));
  const top = MARGIN + LABEL + 12, middle = top + height / 2, bottom = top + height;
  const picture = (values: Float32Array, left: number) =>
    drawPicture({ ...shape, values }, left, top, extent) +
    element("rect", { x: left, y: top, width, height, fill: "none", stroke: "#888", "stroke-width": 0.75 });

  const images = [nodes.xT, nodes.xt, nodes.previous, nodes.x0];
  const labels = ["$x_T$", "$x_t$", "$x_{t-1}$", "$x_0$"].map((text, i) =>
    typeset(text, { size: LABEL }).at(lefts[i] + width / 2, top - 12, { anchor: "middle" })
  );
  const between = (i: number) => lefts[i] + width + gap / 2;
  const through = (i: number) => {
    const [from, to, space] = [lefts[i] + width + 6, lefts[i + 1] - 6, 16];
    return arrow([from, middle], [between(i) - space, middle], { stroke: REVERSE }) +
      [-7, 0, 7].map((dx) => element("circle", { cx: between(i) + dx, cy: middle, r: 1.8 })).join("") +
      arrow([between(i) + space, middle], [to, middle], { stroke: REVERSE });
  };
  const [start, end] = [lefts[2] + width / 2, lefts[1] + width / 2];
  const depth = 46;
  const dashed = arrow([start, bottom + 5], [end, bottom + 5], {
    stroke: FORWARD,
    isDashed: true,
    bend: [[start - 30, bottom + 5 + depth], [end + 30, bottom + 5 + depth]],
  });
  const steps = [
    arrow([lefts[1] + width + 6, middle], [lefts[2] - 6, middle], { stroke: REVERSE }),
    typeset("$p_\\theta(x_{t-1} \\mid x_t)$", { size: 18, fill: REVERSE }).at(between(1), middle - 14, {
      anchor: "middle",
    }),
    typeset("$q(x_t \\mid x_{t-1})$", { size: 18, fill: FORWARD }).at(between(1), bottom + 62, { anchor: "middle" }),
  ];

  const headsAt = bottom + 104;
  const columns = [
    { x: MARGIN, lines: setEquations(EQUATIONS.reverse) },
    { x: MARGIN + WIDTH * 0.53, lines: setEquations(EQUATIONS.forward) },
  ];
  const heads = [
    typeset("Reverse process, learned", { size: EQUATION, style: "bold", fill: REVERSE }).at(columns[0].x, headsAt),
    typeset("Forward process, fixed", { size: EQUATION, style: "bold", fill: FORWARD }).at(columns[1].x, headsAt),
  ];
  const equations = drawEquations(headsAt + 14, columns);
  const caption = paragraph(
    "The forward process adds noise to an image in $T$ steps until nothing else is left; the reverse process is learned " +
      `to undo them one by one. ${note}.`,
    { head: "The diffusion model.", width: WIDTH },
  );
  const captionTop = equations.bottom + 18;
  return svgDocument(
    {
      width: WIDTH + 2 * MARGIN,
      height: captionTop + caption.height + MARGIN,
      title: "The chain from noise x_T to an image x_0, with the reverse step and the forward step",
    },
    ...images.map((values, i) => picture(values, lefts[i])),
    ...labels,
    through(0),
    through(2),
    ...steps,
    dashed,
    ...heads,
    ...equations.drawn,
    caption.at(MARGIN, captionTop),
  );
};
