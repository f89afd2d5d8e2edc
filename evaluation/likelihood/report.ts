import { chart, type Series, translate } from "../../figures/chart.ts";
import { svgDocument } from "../../figures/svg.ts";
import { escapeTex, typeset } from "../../figures/typeset.ts";
import type { MetricResult } from "../metric.ts";
import type { Subject } from "../subject.ts";
import type { EvaluatedProcess } from "./bound.ts";
import type { Estimate, Findings, StepFindings } from "./findings.ts";

const COLUMNS: readonly (readonly [string, keyof Omit<StepFindings, "t">])[] = [
  ["bits", "bits"],
  ["rate", "rate"],
  ["distortion", "distortion"],
  ["x0_mse", "xStartMse"],
  ["epsilon_mse", "epsilonMse"],
];

/** A line a step, t ascending: every quantity with its standard error. */
const findingsCsv = ({ steps }: Findings): string => {
  const names = ["t", ...COLUMNS.flatMap(([name]) => [name, `${name}_standard_error`])];
  const lines = steps.map((step) =>
    [step.t, ...COLUMNS.flatMap(([, key]) => [step[key].mean, step[key].standardError ?? ""])].join(",")
  );
  return [names.join(","), ...lines, ""].join("\n");
};

const WIDTH = 1020, TOP = 44, GAP = 14;
const FEW = 60;

const seriesOf = (
  steps: readonly StepFindings[],
  name: string,
  x: (step: StepFindings) => number,
  y: (step: StepFindings) => Estimate,
): Series => ({
  name,
  points: steps.map((step) => ({ x: x(step), y: y(step).mean, error: y(step).standardError })),
  dots: steps.length <= FEW,
});

/**
 * Draws what was found: the terms of the bound and the errors of the network over t, then rate and distortion as figure 5
 * of Ho et al. 2020 has them. Bands are of one standard error to both sides.
 *
 * @param options.timesteps T, of the whole process
 * @param options.title what was measured, as plain text
 */
const findingsFigure = (
  { steps }: Findings,
  { timesteps, title }: { timesteps: number; title: string },
): string => {
  const [half, third] = [(WIDTH - GAP) / 2, (WIDTH - 2 * GAP) / 3];
  const [upper, lower] = [330, 290];
  // The paper counts t from 1.
  const t = (step: StepFindings) => step.t + 1;
  const reverseTime = (step: StepFindings) => timesteps - step.t;
  const time = { label: "reverse process steps $T - t + 1$", domain: [0, timesteps] } as const;
  const bits = "bits per dimension";

  const terms = chart({
    title: "Terms of the bound",
    width: half,
    height: upper,
    x: { label: "$t$", scale: "log" },
    y: { label: bits, scale: "log" },
    series: [seriesOf(steps, "$L_{t-1}$", t, (step) => step.bits)],
  });
  const errors = chart({
    title: "Errors of the network",
    width: half,
    height: upper,
    x: { label: "$t$", domain: [0, timesteps] },
    y: { label: "mean squared error", scale: "log" },
    series: [
      seriesOf(steps, "of $x_0$", t, (step) => step.xStartMse),
      seriesOf(steps, "of $\\epsilon$", t, (step) => step.epsilonMse),
    ],
  });
  const distortion = chart({
    title: "Distortion",
    width: third,
    height: lower,
    x: time,
    y: { label: "RMSE, scale 0 to 255" },
    series: [seriesOf(steps, "distortion", reverseTime, (step) => step.distortion)],
  });
  const rate = chart({
    title: "Rate",
    width: third,
    height: lower,
    x: time,
    y: { label: bits },
    series: [seriesOf(steps, "rate", reverseTime, (step) => step.rate)],
  });
  const both = chart({
    title: "Rate and distortion",
    width: third,
    height: lower,
    x: { label: "rate, bits per dimension" },
    y: { label: "RMSE, scale 0 to 255" },
    series: [seriesOf(steps, "distortion", (step) => step.rate.mean, (step) => step.distortion)],
  });

  return svgDocument(
    { width: WIDTH, height: TOP + upper + GAP + lower, title },
    typeset(escapeTex(title), { size: 18 }).at(WIDTH / 2, 26, { anchor: "middle" }),
    translate(terms, 0, TOP),
    translate(errors, half + GAP, TOP),
    translate(distortion, 0, TOP + upper + GAP),
    translate(rate, third + GAP, TOP + upper + GAP),
    translate(both, 2 * (third + GAP), TOP + upper + GAP),
  );
};

const fixed = (value: number, digits = 5): string => value.toFixed(digits);

const withError = ({ mean, standardError }: Estimate, digits = 5): string =>
  standardError === null ? fixed(mean, digits) : `${fixed(mean, digits)} ± ${fixed(standardError, digits)}`;

/** Steps at which a tenth, two tenths … of the reverse process is done, as in table 4 of the paper; the last one first. */
const tenths = (steps: readonly StepFindings[]): readonly StepFindings[] => {
  const count = Math.min(10, steps.length);
  return Array.from({ length: count }, (_, i) => steps[Math.round(i * steps.length / count)]);
};

/** Columns of a width each, the ends of their cells below each other, or the starts of those in `words`. */
const align = (rows: readonly (readonly string[])[], words: readonly number[] = []): string => {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const cell = (text: string, column: number) =>
    words.includes(column) ? text.padEnd(widths[column]) : text.padStart(widths[column]);
  return rows.map((row) => row.map(cell).join("  ").trimEnd()).join("\n");
};

const tableOf = ({ steps }: Findings, T: number): string =>
  align([
    ["reverse time", "rate", "distortion", "x_0 MSE", "ε MSE"],
    ...tenths(steps).map(({ t, rate, distortion, xStartMse, epsilonMse }) => [
      `${T - t}`,
      fixed(rate.mean),
      fixed(distortion.mean, 3),
      fixed(xStartMse.mean, 6),
      fixed(epsilonMse.mean, 6),
    ]),
  ]);

/** What was found, as a document, for people, and as CSV. */
export const reportFindings = (
  findings: Findings,
  { process, found, options, seed }: {
    process: EvaluatedProcess;
    found: Awaited<ReturnType<Subject["both"]>>;
    options: { respacing?: string; unconditional: boolean };
    seed: number;
  },
): MetricResult => {
  const { pipeline, dataset } = found;
  const { images, total, prior, middle, decoder, steps } = findings;
  const T = pipeline.scheduler.num_train_timesteps, stepCount = process.timesteps.length;
  const { prediction, variance, clip } = process;
  const labels = pipeline.labels === null ? "none" : options.unconditional ? "the null class" : "the images'";
  const parts = align([
    ["L_T", withError(prior), "what x_T keeps of the image"],
    ["L_1 … L_{T−1}", withError(middle), "the reverse process"],
    ["L_0", withError(decoder), "the decoder"],
    ["total", withError(total), "bits per dimension"],
  ], [0, 2]);
  return {
    document: {
      images,
      imagesInData: dataset.count,
      timesteps: T,
      steps: stepCount,
      respacing: options.respacing ?? null,
      prediction,
      variance,
      clip: Number.isFinite(clip) ? clip : null,
      labels,
      bitsPerDim: { total, prior, middle, decoder },
      terms: steps,
    },
    text: [
      `The bound over ${stepCount === T ? `all ${T} timesteps` : `${stepCount} of ${T} timesteps`}, ` +
      `${images} of ${dataset.count} images of ${dataset.name}, seed ${seed}, ± standard errors:`,
      parts,
      "Rate (bits per dimension) and distortion (RMSE on 0 … 255) of progressive compression:",
      tableOf(findings, T),
    ].join("\n\n"),
    csv: findingsCsv(findings),
    svg: findingsFigure(findings, {
      timesteps: T,
      title: `${found.pipeline.folder} on ${images} images of ${dataset.name}: ${
        withError(total, 3)
      } bits per dimension`,
    }),
  };
};
