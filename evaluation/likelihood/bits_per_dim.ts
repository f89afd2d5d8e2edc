import { createHash } from "node:crypto";
import { matchClasses } from "../classes.ts";
import { EvaluationError } from "../error.ts";
import type { MetricFunction } from "../metric.ts";
import type { Subject } from "../subject.ts";
import { chooseImages, createProgressMeter, type EvaluatedProcess, evaluatedProcess, measureBound } from "./bound.ts";
import { findingsOf } from "./findings.ts";
import { createPartialResultStore } from "./partial_result.ts";
import { reportFindings } from "./report.ts";

/** Digest of what an evaluation depends on: 16 hexadecimal digits that differ where it does. */
const evaluationKey = (dependencies: unknown): string =>
  createHash("sha256").update(JSON.stringify(dependencies)).digest("hex").slice(0, 16);

/** Images of a run that asks for no number, where there are as many. */
const N = 256;

/** How many images are measured: as many as were asked for, or {@linkcode N}, or all, which is said. */
const countOf = ({ options: { n, data }, report }: Subject, available: number): number => {
  if (n !== undefined || available >= N) return n ?? N;
  report({ event: "notice", message: `--n is ${available}, all images of ${data}: its default is ${N}` });
  return available;
};

interface BoundOptions {
  respacing?: string;
  variance?: "fixed_small" | "fixed_large";
  unconditional: boolean;
}

type ModelAndData = Awaited<ReturnType<Subject["both"]>>;

/** The class of each image that the network receives. */
const classesOf = (
  { pipeline, dataset }: ModelAndData,
  { unconditional }: BoundOptions,
): ((index: number, label: number | undefined) => number) | null => {
  if (unconditional) {
    const { nullLabel } = pipeline;
    if (nullLabel !== null) return () => nullLabel;
    const lack = pipeline.labels === null ? "classes" : "a class that stands for none";
    throw new EvaluationError(`unconditional must be left out for a model without ${lack}`);
  }
  const own = matchClasses(pipeline, dataset);
  return own && ((_, label) => own[label!]);
};

/** All that the numbers depend on, beside the number of images. */
const dependenciesOf = (
  { digest, engine, dataset, pipeline }: ModelAndData,
  { seed, xla }: Subject["options"],
  { timesteps, prediction, variance, clip }: EvaluatedProcess,
  { unconditional }: BoundOptions,
) => {
  const { name, fingerprint, count, height, width, channels, classNames } = dataset;
  return {
    version: 1,
    model: digest,
    data: fingerprint ?? { name, count, height, width, channels },
    classes: unconditional || pipeline.labels === null ? null : classNames,
    seed,
    process: { timesteps: [...timesteps], prediction, variance, clip },
    unconditional,
    engine: [engine.name, engine.version, engine.device, xla],
  };
};

/** Work that would be lost with the power. */
const SAVE_MILLISECONDS = 20_000;

/**
 * Measures the variational bound of a model on images of a dataset (Ho et al. 2020, eq. 5 and section 4.3).
 *
 * What is done is kept in the subject's folder as it goes and when it is called off: the same evaluation goes on from
 * there, and so does one of more images, to the very bits of one that was never stopped.
 *
 * @throws {EvaluationError} if the model and the images do not fit, there are too few, or an option cannot be had
 */
export const measureBitsPerDim: MetricFunction<BoundOptions> = async (subject, options) => {
  const { seed, batch } = subject.options;
  const { folder, signal, report } = subject;
  const found = await subject.both();
  const { pipeline, network, dataset } = found;
  const process = evaluatedProcess(pipeline.scheduler, options);
  const classOf = classesOf(found, options);
  const n = countOf(subject, dataset.count);
  const indices = chooseImages(dataset, { n, seed });

  const steps = process.timesteps.length;
  const store = createPartialResultStore({
    folder,
    key: evaluationKey(dependenciesOf(found, subject.options, process, options)),
    steps,
    onDamaged: (file, reason) => report({ event: "skipped", file, reason }),
  });
  const result = await store.read(n);
  const meter = createProgressMeter({ images: n, steps, result, batch });
  let savedAt = performance.now();
  try {
    await measureBound(result, {
      network,
      process,
      dataset,
      indices,
      classOf,
      seed,
      batch,
      signal,
      onStep: async (images) => {
        report(meter(images));
        if (performance.now() - savedAt < SAVE_MILLISECONDS) return;
        await store.save(n, result);
        savedAt = performance.now();
      },
    });
  } finally {
    await store.save(n, result);
  }
  return reportFindings(findingsOf(result, process), { process, found, options, seed });
};
