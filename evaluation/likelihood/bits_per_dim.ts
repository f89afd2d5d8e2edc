import { chooseImages } from "../choose_images.ts";
import { matchClasses } from "../classes.ts";
import { EvaluationError } from "../error.ts";
import type { Measure } from "../metric.ts";
import type { Subject } from "../subject.ts";
import { findingsOf } from "./findings.ts";
import { measureImages } from "./measure_images.ts";
import { createMeter } from "./meter.ts";
import { processOf } from "./process.ts";
import { createStand } from "./stand.ts";
import { tellFindings } from "./tell.ts";

/** Images of a run that asks for no number. */
const N = 256;

interface Options {
  respacing?: string;
  variance?: "fixed_small" | "fixed_large";
  unconditional: boolean;
}

type Found = Awaited<ReturnType<Subject["both"]>>;

/** The class that the network is told of each image. */
const classesOf = (
  { pipeline, dataset }: Found,
  { unconditional }: Options,
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

/**
 * Measures the variational bound of a model on images of a dataset (Ho et al. 2020, eq. 5 and section 4.3).
 *
 * @throws {EvaluationError} if the model and the images do not fit, there are too few, or an option cannot be had
 */
export const bitsPerDim: Measure<Options> = async (subject, options) => {
  const { n = N, seed, batch } = subject.options;
  const found = await subject.both();
  const { pipeline, network, dataset } = found;
  const process = processOf(pipeline.scheduler, options);
  const classOf = classesOf(found, options);
  const indices = chooseImages(dataset, { n, seed });
  const stand = createStand(process.timesteps.length);
  const meter = createMeter({ images: n, steps: process.timesteps.length, stand, batch });
  await measureImages(stand, {
    network,
    process,
    dataset,
    indices,
    classOf,
    seed,
    batch,
    signal: subject.signal,
    onStep: (images) => subject.report(meter(images)),
  });
  return tellFindings(findingsOf(stand, process), { process, found, options, seed });
};
