import type { Result } from "../metric.ts";
import type { Subject } from "../subject.ts";
import { csvOf } from "./csv.ts";
import { drawFindings } from "./figure.ts";
import type { Estimate, Findings, StepFindings } from "./findings.ts";
import type { Process } from "./process.ts";

const number = (value: number, digits = 5): string => value.toFixed(digits);

const withError = ({ mean, standardError }: Estimate, digits = 5): string =>
  standardError === null ? number(mean, digits) : `${number(mean, digits)} ± ${number(standardError, digits)}`;

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
      number(rate.mean),
      number(distortion.mean, 3),
      number(xStartMse.mean, 6),
      number(epsilonMse.mean, 6),
    ]),
  ]);

/** What was found, as a document, for people, and as CSV. */
export const tellFindings = (
  findings: Findings,
  { process, found, options, seed }: {
    process: Process;
    found: Awaited<ReturnType<Subject["both"]>>;
    options: { respacing?: string; unconditional: boolean };
    seed: number;
  },
): Result => {
  const { pipeline, dataset } = found;
  const { images, total, prior, middle, decoder, steps } = findings;
  const T = pipeline.scheduler.num_train_timesteps, kept = process.timesteps.length;
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
      steps: kept,
      respacing: options.respacing ?? null,
      prediction,
      variance,
      clip: Number.isFinite(clip) ? clip : null,
      labels,
      bitsPerDim: { total, prior, middle, decoder },
      terms: steps,
    },
    text: [
      `The bound over ${kept === T ? `all ${T} timesteps` : `${kept} of ${T} timesteps`}, ` +
      `${images} of ${dataset.count} images of ${dataset.name}, seed ${seed}, ± standard errors:`,
      parts,
      "Rate (bits per dimension) and distortion (RMSE on 0 … 255) of progressive compression:",
      tableOf(findings, T),
    ].join("\n\n"),
    csv: csvOf(findings),
    svg: drawFindings(findings, {
      timesteps: T,
      title: `${found.pipeline.folder} on ${images} images of ${dataset.name}: ${
        withError(total, 3)
      } bits per dimension`,
    }),
  };
};
