import {
  betaSchedule,
  compilePlan,
  createDiffusion,
  type Diffusion,
  type Evaluate,
  fillNormal,
  sample,
  type SamplerName,
} from "../core/mod.ts";
import { chart, translate } from "./chart.ts";
import { drawPicture } from "./picture_table.ts";
import { element, shortNumber, svgDocument } from "./svg.ts";
import { paragraph, typeset } from "./typeset.ts";

/** A mixture of normals of one dimension and of one deviation, all equally probable. */
interface Mixture {
  readonly means: readonly number[];
  readonly deviation: number;
}

/** Density of α·x_0 + σ·ε. */
const densityOf = ({ means, deviation }: Mixture, x: number, alpha: number, sigma: number): number => {
  const variance = (alpha * deviation) ** 2 + sigma ** 2;
  const sum = means.reduce((total, mean) => total + Math.exp(-((x - alpha * mean) ** 2) / (2 * variance)), 0);
  return sum / means.length / Math.sqrt(2 * Math.PI * variance);
};

/** E[x_0 | α·x_0 + σ·ε = x]: what the ideal network predicts. */
const startOf = ({ means, deviation }: Mixture, x: number, alpha: number, sigma: number): number => {
  const variance = (alpha * deviation) ** 2 + sigma ** 2;
  const squares = means.map((mean) => (x - alpha * mean) ** 2 / (2 * variance));
  const least = Math.min(...squares);
  const weights = squares.map((square) => Math.exp(least - square));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return means.reduce(
    (sum, mean, k) => sum + weights[k] / total * (mean + alpha * deviation ** 2 / variance * (x - alpha * mean)),
    0,
  );
};

/** E[ε | α·x_0 + σ·ε = x]. */
const noiseOf = (data: Mixture, x: number, alpha: number, sigma: number): number =>
  (x - alpha * startOf(data, x, alpha, sigma)) / sigma;

/** Places along one path: (where on the axis of noise, x). */
type Path = readonly (readonly [number, number])[];

const BUMPS: Mixture = { means: [-1, 1], deviation: 0.2 };
const CLASSES = [{ means: [-0.5], deviation: 0.5 }, { means: [0.5], deviation: 0.5 }] as const;
const BOTH: Mixture = { means: [-0.5, 0.5], deviation: 0.5 };
const COUNT = 14, FLOW_STEPS = 250;

const idealNetwork =
  (diffusion: Diffusion, noise: (x: number, alpha: number, sigma: number) => number): Evaluate => (x, [t]) =>
    x.map((value) => noise(value, diffusion.sqrtAlphasCumprod[t], diffusion.sqrtOneMinusAlphasCumprod[t]));

/** Paths of core's samplers from x_T to x_0, in 1000 steps. */
const pathsOf = async (diffusion: Diffusion, sampler: SamplerName, latents: Float32Array, seed: number) => {
  const paths: [number, number][][] = Array.from(latents, (x) => [[diffusion.timesteps, x]]);
  await sample({
    plan: compilePlan({ diffusion, sampler, steps: diffusion.timesteps, clip: Infinity }),
    shape: [latents.length, 1, 1, 1],
    evaluate: idealNetwork(diffusion, (...at) => noiseOf(BUMPS, ...at)),
    latents,
    seed,
    onStep: ({ row: { timestep: t }, x }) => {
      // A third of the places is as fine as the figure is drawn; t counts from 0 here, and the row leads to the one before.
      if (t % 3 === 0) x.forEach((value, i) => paths[i].push([t, value]));
    },
  });
  return paths;
};

/** Paths of x_t = (1 − t)·x_0 + t·ε by Euler's method (Lipman et al. 2023). */
const flowPaths = (start: Float32Array): Path[] =>
  Array.from(start, (first) => {
    let x = first;
    const path: [number, number][] = [[1, x]];
    for (let step = FLOW_STEPS; step > 0; step--) {
      const t = Math.min(step / FLOW_STEPS, 0.999);
      const image = startOf(BUMPS, x, 1 - t, t);
      x += ((step - 1) / FLOW_STEPS - t) * ((x - (1 - t) * image) / t - image);
      path.push([(step - 1) / FLOW_STEPS, x]);
    }
    return path;
  });

const INK = "#222", AXIS = "#888", LINE = "#d55e00";
const MARGIN = 16, WIDTH = 936, GAP = 22, PANEL = (WIDTH - 2 * GAP) / 3, PANEL_HEIGHT = 250;
const BOX = { left: 34, top: 30, bottom: 40, right: 6 };

/** What a panel of paths shows. */
interface Panel {
  readonly title: string;
  readonly label: string;
  /** From the noisiest, at the left, to the cleanest. */
  readonly from: number;
  readonly to: number;
  readonly ticks: readonly number[];
  readonly most: number;
  readonly paths: readonly Path[];
  readonly density: (at: number, x: number) => number;
}

const panel = ({ title, label, from, to, ticks, most, paths, density }: Panel): string => {
  const width = PANEL - BOX.left - BOX.right, height = PANEL_HEIGHT - BOX.top - BOX.bottom;
  const across = (at: number) => BOX.left + (at - from) / (to - from) * width;
  const up = (x: number) => BOX.top + (1 - (x + most) / (2 * most)) * height;

  // Each column is as dark as its densest place, so that narrow bumps do not outshine all else.
  const [columns, rows] = [Math.round(width), Math.round(height)];
  const values = new Float32Array(columns * rows * 3);
  for (let i = 0; i < columns; i++) {
    const at = from + (i + 0.5) / columns * (to - from);
    const column = Array.from({ length: rows }, (_, j) => density(at, most - (j + 0.5) / rows * 2 * most));
    const peak = Math.max(...column);
    column.forEach((value, j) => {
      const dark = 0.62 * (value / peak) ** 0.7;
      [1, 0.62, 0.3].forEach((share, c) => values[(j * columns + i) * 3 + c] = 1 - 2 * dark * share);
    });
  }
  const lines = paths.map((path) => {
    const points = path.map(([at, x]) => `${shortNumber(across(at))} ${shortNumber(up(x))}`);
    return element("path", {
      d: `M${points.join("L")}`,
      fill: "none",
      stroke: LINE,
      "stroke-width": 0.9,
      "stroke-linejoin": "round",
    });
  });
  const inside = { x: BOX.left, y: BOX.top, width, height };
  const mark = (text: string, x: number, y: number, anchor: "middle" | "end") =>
    typeset(text, { size: 12, fill: INK }).at(x, y, { anchor });
  return [
    typeset(title, { size: 15, style: "bold", fill: INK }).at(BOX.left, 18),
    drawPicture({ height: rows, width: columns, channels: 3, values }, BOX.left, BOX.top, { width, height }),
    element("svg", { ...inside, viewBox: Object.values(inside).map(shortNumber).join(" ") }, ...lines),
    element("rect", { ...inside, fill: "none", stroke: AXIS, "stroke-width": 0.75 }),
    ...ticks.map((tick) => mark(String(tick), across(tick), BOX.top + height + 15, "middle")),
    ...[-1, 0, 1].map((share) => share * Math.floor(most)).map((x) => mark(String(x), BOX.left - 6, up(x) + 4, "end")),
    typeset(label, { size: 13, fill: INK }).at(BOX.left + width / 2, PANEL_HEIGHT - 6, { anchor: "middle" }),
  ].join("\n");
};

/** What guided sampling makes of a class that overlaps with another: a density for each scale s. */
const guidanceChart = async (diffusion: Diffusion, seed: number): Promise<string> => {
  const count = 3000, bandwidth = 0.07;
  const latents = fillNormal(new Float32Array(count), { seed, sample: 1, step: 0 });
  const grid = Array.from({ length: 121 }, (_, i) => -1.5 + i / 120 * 5);
  const series = [];
  for (const s of [1, 2, 4]) {
    const drawn = await sample({
      plan: compilePlan({ diffusion, sampler: "ddim", steps: 100, spacing: "trailing", clip: Infinity }),
      shape: [count, 1, 1, 1],
      evaluate: idealNetwork(diffusion, (...at) => {
        const none = noiseOf(BOTH, ...at);
        return none + s * (noiseOf(CLASSES[1], ...at) - none);
      }),
      latents,
    });
    const smooth = (x: number) =>
      drawn.reduce((sum, value) => sum + Math.exp(-((x - value) ** 2) / (2 * bandwidth ** 2)), 0) /
      (count * bandwidth * Math.sqrt(2 * Math.PI));
    series.push({ name: `$s = ${s}$`, points: grid.map((x) => ({ x, y: smooth(x) })) });
  }
  return chart({
    title: "Guidance: what is drawn",
    width: PANEL,
    height: PANEL_HEIGHT,
    x: { label: "$x_0$", domain: [-1.5, 3.5] },
    y: { label: "density" },
    series,
  });
};

/** How far the images of few steps are from those of very many, solver by solver. */
const stepsChart = async (diffusion: Diffusion, seed: number): Promise<string> => {
  const count = 400;
  const latents = fillNormal(new Float32Array(count), { seed, sample: 2, step: 0 });
  const draw = async (sampler: SamplerName, steps: number) => {
    const plan = compilePlan({ diffusion, sampler, steps, spacing: "trailing", clip: Infinity });
    const evaluate = idealNetwork(diffusion, (...at) => noiseOf(BUMPS, ...at));
    return { evaluations: plan.rows.length, drawn: await sample({ plan, shape: [count, 1, 1, 1], evaluate, latents }) };
  };
  const { drawn: exact } = await draw("heun", 1000);
  const names: readonly (readonly [SamplerName, string])[] = [
    ["ddim", "DDIM"],
    ["heun", "Heun"],
    ["dpmsolver++", "DPM++"],
  ];
  const series = [];
  for (const [sampler, name] of names) {
    const points = [];
    for (const steps of [5, 7, 10, 14, 20, 28, 40, 56, 80, 112]) {
      const { evaluations, drawn } = await draw(sampler, steps);
      const square = drawn.reduce((sum, value, i) => sum + (value - exact[i]) ** 2, 0);
      points.push({ x: evaluations, y: Math.sqrt(square / count) });
    }
    series.push({ name, points, dots: true });
  }
  return chart({
    title: "Few steps: error of $x_0$",
    width: PANEL,
    height: PANEL_HEIGHT,
    x: { label: "evaluations of the network", scale: "log", domain: [4, 250] },
    y: { label: "root mean square", scale: "log" },
    series,
  });
};

/**
 * How samplers move, with data of one dimension whose ideal network is known: Algorithm 2 of Ho et al. 2020, DDIM (Song et
 * al. 2021), the same in the variables of Karras et al. 2022, and flow matching (Lipman et al. 2023); what classifier-free
 * guidance draws (Ho & Salimans 2022), and the error that few steps leave.
 *
 * @param seed picks the noise, in [0, 2⁵³)
 */
export const pathsFigure = async (seed: number): Promise<string> => {
  const diffusion = createDiffusion(betaSchedule("linear", 1000));
  const { timesteps: T, sqrtAlphasCumprod: signals, sqrtOneMinusAlphasCumprod: noises } = diffusion;
  // Evenly spaced quantiles tell more than as many random draws.
  const latents = fillNormal(new Float32Array(COUNT * 40), { seed, sample: 0, step: 0 }).sort()
    .filter((_, i) => i % 40 === 20);
  const ancestral = await pathsOf(diffusion, "ddpm", latents, seed);
  const deterministic = await pathsOf(diffusion, "ddim", latents, seed);
  const edm = deterministic.map((path) =>
    path.map(([t, x]): [number, number] => t === 0 ? [0, x] : [noises[t - 1] / signals[t - 1], x / signals[t - 1]])
  );
  const atTimestep = (t: number, x: number) => {
    const index = Math.max(0, Math.ceil(t) - 1);
    return densityOf(BUMPS, x, signals[index], noises[index]);
  };
  const shared = { from: T, to: 0, ticks: [T, T / 2, 0], label: "t", most: 2.6, density: atTimestep };
  const parts = [
    // Half of them, since these cross.
    panel({ ...shared, title: "Algorithm 2", label: "$t$", paths: ancestral.filter((_, i) => i % 2 === 0) }),
    panel({ ...shared, title: "DDIM", label: "$t$", paths: deterministic }),
    panel({
      title: "The same, in EDM's variables",
      label: "$\\sigma$",
      from: 4,
      to: 0,
      ticks: [4, 2, 0],
      most: 6.5,
      paths: edm,
      density: (sigma, x) => densityOf(BUMPS, x, 1, Math.max(sigma, 1e-3)),
    }),
    panel({
      title: "Flow matching",
      label: "$t$",
      from: 1,
      to: 0,
      ticks: [1, 0.5, 0],
      most: 2.6,
      paths: flowPaths(latents),
      density: (t, x) => densityOf(BUMPS, x, 1 - t, t),
    }),
    await guidanceChart(diffusion, seed),
    await stepsChart(diffusion, seed),
  ];
  const caption = paragraph(
    "Data of one dimension, normals of deviation 0.2 around −1 and 1, and the ideal network of them; noise is at the left, " +
      "data at the right, blue is the density of the noisy data. All four panels of paths begin with the same noise. " +
      "Guidance: of two classes, normals of deviation 0.5 around −0.5 and 0.5, the second is asked for. Few steps: " +
      "against 1000 steps of Heun's method. Linear schedule, $T = 1000$; seed\u00a0" + `${seed}.`,
    { head: "How samplers move.", width: WIDTH },
  );
  const captionTop = MARGIN + 2 * PANEL_HEIGHT + 26;
  return svgDocument(
    {
      width: WIDTH + 2 * MARGIN,
      height: captionTop + caption.height + MARGIN,
      title: "Paths of samples by four samplers, what guidance draws, and the error of few steps",
    },
    ...parts.map((part, i) =>
      translate(part, MARGIN + (i % 3) * (PANEL + GAP), MARGIN + Math.floor(i / 3) * (PANEL_HEIGHT + 12))
    ),
    caption.at(MARGIN, captionTop),
  );
};
