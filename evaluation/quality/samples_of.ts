import { openDataset } from "../../jobs/data/dataset.ts";
import { EvaluationError } from "../error.ts";
import type { Subject } from "../subject.ts";
import { datasetImages } from "./dataset_images.ts";
import { drawnImages, type SampleOptions } from "./drawn_images.ts";
import type { ImageSet } from "./image_set.ts";

/** Which samples are looked at. */
export interface SamplesOptions extends Omit<SampleOptions, "seed"> {
  /** Images in place of the model's: a file, a folder or a name. */
  readonly samples?: string;
}

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
  const { size, seed, n, model } = subject.options;
  if (options.samples === undefined) {
    return drawnImages(await subject.model(), { ...options, seed, n: n ?? count }, model);
  }
  const dataset = await openDataset(options.samples, { size, signal: subject.signal, onProgress: subject.report });
  opened.push(dataset);
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
