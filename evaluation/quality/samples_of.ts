import type { ClassShares } from "../../jobs/choices.ts";
import { chooseClasses } from "../../jobs/data/choose_classes.ts";
import { createDataset, type Dataset, openDataset, partsOf } from "../../jobs/data/dataset.ts";
import { EvaluationError } from "../error.ts";
import type { Subject } from "../subject.ts";
import { classCounts } from "./class_shares.ts";
import { datasetImages } from "./dataset_images.ts";
import { drawnImages, type SampleOptions } from "./drawn_images.ts";
import type { ImageSet } from "./image_set.ts";

/** Which samples are looked at. */
export interface SamplesOptions extends Omit<SampleOptions, "seed"> {
  /** Images in place of the model's: a file, a folder or a name. */
  readonly samples?: string;
  readonly classShares: ClassShares;
}

/** Images from elsewhere; of those that have classes, the chosen ones alone. */
const openSamples = async (
  samples: string,
  { options: { size, classes }, signal, report }: Subject,
  opened: Disposable[],
): Promise<Dataset> => {
  const all = await openDataset(samples, { size, signal, onProgress: report });
  opened.push(all);
  if (classes === undefined || all.classNames === null) return all;
  const chosen = createDataset(chooseClasses(partsOf(all), classes));
  opened.push(chosen);
  return chosen;
};

const countsOf = async (subject: Subject, { label, classShares }: SamplesOptions) => {
  if (classShares === "equal") return null;
  if (label !== undefined) {
    throw new EvaluationError(`class-shares must be equal with label, received ${classShares}`);
  }
  const { pipeline } = await subject.model();
  return classCounts(pipeline, await subject.data(), subject.options.model);
};

/**
 * The samples that the options name: the model's, or images from elsewhere.
 *
 * @param opened what has to be closed behind them is added to it
 * @param options.count how many a model is asked for, if nobody says
 * @throws {EvaluationError} if the model cannot be asked for them, or there are not as many
 * @throws {DatasetError} if the images from elsewhere cannot be had
 */
export const samplesOf = async (
  subject: Subject,
  options: SamplesOptions,
  opened: Disposable[],
  { count }: { count: number },
): Promise<ImageSet> => {
  const { seed, n, model } = subject.options;
  if (options.samples === undefined) {
    const classes = await countsOf(subject, options);
    return drawnImages(await subject.model(), { ...options, seed, n: n ?? count }, model, classes);
  }
  const dataset = await openSamples(options.samples, subject, opened);
  if (n !== undefined && n > dataset.count) {
    throw new EvaluationError(`n must be at most ${dataset.count}, the images of ${options.samples}, received ${n}`);
  }
  return datasetImages(dataset, options.samples);
};

/** @throws {EvaluationError} if the images of two sets differ in extent */
export const checkExtents = (samples: ImageSet, real: ImageSet): void => {
  if (samples.height === real.height && samples.width === real.width) return;
  const extent = ({ height, width }: ImageSet) => `${height}×${width}`;
  throw new EvaluationError(
    `data must be images of ${extent(samples)}, as ${samples.name} are, received ${extent(real)} (${real.name})`,
  );
};
