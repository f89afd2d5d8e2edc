import { EvaluationError } from "../error.ts";
import type { Subject } from "../subject.ts";
import { datasetImages } from "./dataset_images.ts";
import type { FeatureExtractor } from "./feature_extractor.ts";
import { featuresOfSet, type StoreOptions } from "./feature_store.ts";
import type { ImageSet } from "./image_set.ts";
import type { ResizeMethod } from "./inception/resize.ts";
import { openExtractor } from "./open_extractor.ts";
import type { Rows } from "./products.ts";
import { checkExtents, samplesOf, type SamplesOptions } from "./samples_of.ts";

/** Samples that a model is asked for, if nobody says how many. */
const SAMPLES = 10_000;

/** What the options of a measure of samples say. */
export interface SetOptions extends SamplesOptions {
  readonly features: string;
  readonly resize?: ResizeMethod;
  readonly cache: string;
}

/** Images with their features. */
export interface Described {
  readonly set: ImageSet;
  readonly rows: Rows;
}

/** How many images a measure needs, and why. */
export interface Need {
  readonly least: number;
  readonly why: string;
}

/** What is compared, and by what. */
export interface Sets extends Disposable {
  readonly extractor: FeatureExtractor;
  readonly store: StoreOptions;
  readonly samples: Described;
  /** All images of the data; only where they were asked for. */
  readonly real: Described | null;
}

/**
 * Opens what is compared and computes the features of both, or reads those that are kept.
 *
 * @param options.need what the measure needs of each set
 * @throws {EvaluationError} if the sets do not fit each other, or are too small
 * @throws {ExtractorError} if the extractor is missing, or cannot take the images
 */
export const openSets = async (
  subject: Subject,
  options: SetOptions,
  { needsReal, need }: { needsReal: boolean; need: (features: number) => Need },
): Promise<Sets> => {
  using stack = new DisposableStack();
  const opened: Disposable[] = [];
  stack.defer(() => opened.forEach((one) => one[Symbol.dispose]()));
  await subject.engine();
  const extractor = stack.use(await openExtractor(options.features, options));
  const store = { folder: options.cache, batch: subject.options.batch, signal: subject.signal, report: subject.report };

  const samples = await samplesOf(subject, options, opened, { count: SAMPLES });
  const real = needsReal ? datasetImages(await subject.data(), subject.options.data) : null;
  const count = subject.options.n ?? samples.count;
  for (const set of real ? [samples, real] : [samples]) extractor.check(set);
  const { least, why } = need(extractor.featureCount);
  const checkCount = (count: number, what: "n" | "data") => {
    if (count >= least) return;
    throw new EvaluationError(`${what} must be at least ${least} images (${why}), received ${count}`);
  };
  checkCount(count, "n");
  if (real) {
    checkExtents(samples, real);
    checkCount(real.count, "data");
  }

  const describe = async (set: ImageSet, count: number): Promise<Described> => ({
    set,
    rows: await featuresOfSet(set, extractor, count, store),
  });
  const reference = real && await describe(real, real.count);
  const drawn = await describe(samples, count);
  const held = stack.move();
  return { extractor, store, samples: drawn, real: reference, [Symbol.dispose]: () => held.dispose() };
};
