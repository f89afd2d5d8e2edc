import { permutation } from "../../core/noise.ts";
import { quoteText } from "../../model/error.ts";
import { EvaluationError } from "../error.ts";
import type { MetricFunction, MetricResult } from "../metric.ts";
import type { Subject } from "../subject.ts";
import type { FeatureExtractor } from "./feature_extractor.ts";
import { type FeatureRows, takeRows } from "./feature_rows.ts";
import {
  featuresOfSet,
  type GivenStatistics,
  readGivenStatistics,
  statisticsOf,
  storedStatistics,
  type StoreOptions,
} from "./feature_store.ts";
import { frechetDistance } from "./frechet_distance.ts";
import { checkExtents, datasetImages, type ImageSet, openSampleSet, type SampleSetOptions } from "./image_sets.ts";
import type { ResizeMethod } from "./inception/resize.ts";
import { inceptionScore } from "./inception_score.ts";
import { kernelDistance } from "./kernel_distance.ts";
import { openExtractor } from "./open_extractor.ts";
import { precisionRecall } from "./precision_recall.ts";

/** Samples that a model is asked for, if nobody says how many. */
const SAMPLES = 10_000;

/** What the options of a measure of samples say. */
export interface ComparisonOptions extends SampleSetOptions {
  readonly features: string;
  readonly resize?: ResizeMethod;
  readonly cache: string;
}

/** Images with their features. */
export interface SetFeatures {
  readonly set: ImageSet;
  readonly rows: FeatureRows;
}

/** How many images a measure needs, and why. */
export interface LeastCount {
  readonly least: number;
  readonly why: string;
}

/** What is compared, and by what. */
export interface ComparedSets extends Disposable {
  readonly extractor: FeatureExtractor;
  readonly store: StoreOptions;
  readonly samples: SetFeatures;
  /** All images of the data; only where they were asked for. */
  readonly real: SetFeatures | null;
}

/**
 * Opens what is compared and computes the features of both, or reads those that are kept.
 *
 * @param options.need what the measure needs of each set; asked before any work, so that it may refuse the extractor
 * @throws {EvaluationError} if the sets do not fit each other, or are too small
 * @throws {ExtractorError} if the extractor is missing, or cannot take the images
 */
const openSets = async (
  subject: Subject,
  options: ComparisonOptions,
  { needsReal, need }: { needsReal: boolean; need: (extractor: FeatureExtractor) => LeastCount },
): Promise<ComparedSets> => {
  using stack = new DisposableStack();
  const opened: Disposable[] = [];
  stack.defer(() => opened.forEach((one) => one[Symbol.dispose]()));
  await subject.engine();
  const extractor = stack.use(await openExtractor(options.features, options));
  const store = { folder: options.cache, batch: subject.options.batch, signal: subject.signal, report: subject.report };

  const samples = await openSampleSet(subject, options, opened, { count: SAMPLES });
  const real = needsReal ? datasetImages(await subject.data(), subject.options.data) : null;
  const count = subject.options.n ?? samples.count;
  for (const set of real ? [samples, real] : [samples]) extractor.check(set);
  const { least, why } = need(extractor);
  const checkCount = (count: number, what: "n" | "data") => {
    if (count >= least) return;
    throw new EvaluationError(`${what} must be at least ${least} images (${why}), received ${count}`);
  };
  checkCount(count, "n");
  if (real) {
    checkExtents(samples, real);
    checkCount(real.count, "data");
  }

  const describe = async (set: ImageSet, count: number): Promise<SetFeatures> => ({
    set,
    rows: await featuresOfSet(set, extractor, count, store),
  });
  const reference = real && await describe(real, real.count);
  const drawn = await describe(samples, count);
  const held = stack.move();
  return { extractor, store, samples: drawn, real: reference, [Symbol.dispose]: () => held.dispose() };
};

/** Draws that choose rows, apart from those of the kernel distance's subsets. */
const CHOICE_EPOCH = 0xc401ce;

const number = (value: number): string => {
  const size = Math.abs(value);
  return size !== 0 && size < 1e-3 ? value.toExponential(3) : value.toFixed(size < 1 ? 5 : 3);
};

/** Everything that a number depends on, which is reported with it. */
const settingsOf = ({ extractor, samples, real }: ComparedSets) => ({
  samples: { ...samples.set.key, of: samples.set.name, images: samples.rows.count },
  reference: real ? { ...real.set.key, of: real.set.name, images: real.rows.count } : null,
  features: { of: extractor.name, digest: extractor.digest, count: extractor.featureCount },
  resize: extractor.resize,
});

const describeSet = (what: string, { set, rows }: SetFeatures): string =>
  `  ${what.padEnd(10)} ${rows.count} images of ${set.height}×${set.width}×${set.channels}: ${set.name}`;

/** @throws {EvaluationError} if a number of the document is not finite */
const resultOf = (
  sets: ComparedSets,
  numbers: readonly (readonly [string, string])[],
  document: Record<string, unknown>,
): MetricResult => {
  const { extractor, samples, real } = sets;
  const name = Object.keys(document).find((key) =>
    typeof document[key] === "number" && !Number.isFinite(document[key])
  );
  if (name !== undefined) {
    throw new EvaluationError(`features must give finite numbers, received ${document[name]} for the ${name}`);
  }
  const width = Math.max(...numbers.map(([name]) => name.length));
  const lines = [
    ...numbers.map(([name, value]) => `${name.padEnd(width)}  ${value}`),
    describeSet("samples", samples),
    ...(real ? [describeSet("reference", real)] : []),
    `  ${"features".padEnd(10)} ${extractor.featureCount} of ${extractor.name} (${extractor.digest.slice(0, 12)}), ` +
    `resize ${extractor.resize}`,
  ];
  return { document: { ...document, ...settingsOf(sets) }, text: lines.join("\n") };
};

/** @throws {EvaluationError} if statistics are of another extractor's features */
const checkStatistics = (
  { mean, extractor }: GivenStatistics,
  { name, digest, featureCount }: FeatureExtractor,
  data: string,
): void => {
  if (mean.length !== featureCount) {
    throw new EvaluationError(
      `data must be statistics of ${featureCount} features, as ${name} has, received ${mean.length} (${data})`,
    );
  }
  if (extractor !== null && extractor !== digest) {
    const short = (text: string) => quoteText(text.slice(0, 12));
    throw new EvaluationError(
      `data must be statistics by ${name} (${short(digest)}), received those by another network (${
        short(extractor)
      }), ${data}`,
    );
  }
};

/** Fréchet distance of samples from the data, of which the statistics will do. */
export const measureFid: MetricFunction<ComparisonOptions> = async (subject, options) => {
  const { data } = subject.options;
  const given = await readGivenStatistics(data);
  using sets = await openSets(subject, options, {
    needsReal: given === null,
    need: (extractor) => {
      if (given) checkStatistics(given, extractor, data);
      const { featureCount } = extractor;
      const why = `a covariance of ${featureCount} features needs more images than that; kid does with fewer`;
      return { least: featureCount + 1, why };
    },
  });
  const { samples, real, extractor, store } = sets;
  const reference = given ?? await storedStatistics(real!.set, extractor, real!.rows, store);
  const value = frechetDistance(await statisticsOf(samples.rows, subject), reference);
  const result = resultOf(sets, [["Fréchet distance", number(value)]], { value });
  if (!given) return result;
  return {
    document: { ...result.document, reference: { of: data, images: null } },
    text: `${result.text}\n  ${"reference".padEnd(10)} the statistics in ${data}, of images that it does not tell`,
  };
};

/** Kernel distance of samples from the data. */
export const measureKid: MetricFunction<ComparisonOptions & { subsets: number; subsetSize: number }> = async (
  subject,
  options,
) => {
  using sets = await openSets(subject, options, {
    needsReal: true,
    need: () => ({ least: 2, why: "an estimate without bias compares pairs" }),
  });
  const { seed } = subject.options;
  const found = await kernelDistance(sets.samples.rows, sets.real!.rows, { ...options, seed, signal: subject.signal });
  const { value, deviation, standardError, subsets, subsetSize } = found;
  const text = `${number(value)} ± ${number(standardError)} (deviation ${
    number(deviation)
  } over ${subsets} subsets of ${subsetSize})`;
  return resultOf(sets, [["kernel distance", text]], { ...found });
};

/** As many rows of each set: more rows span more. The larger set's are chosen at random. */
const equalCounts = (a: FeatureRows, b: FeatureRows, seed: number): [FeatureRows, FeatureRows] => {
  const count = Math.min(a.count, b.count);
  const choose = (rows: FeatureRows) =>
    rows.count === count
      ? rows
      : takeRows(rows, permutation(rows.count, { seed, epoch: CHOICE_EPOCH }).subarray(0, count).toSorted());
  return [choose(a), choose(b)];
};

/** What a measure takes of a number that nobody gave: as much as the images allow, which is said where it is less. */
const asManyAs = (allowed: number, name: string, preset: number, { report }: Subject): number => {
  if (allowed >= preset) return preset;
  report({ event: "notice", message: `--${name} is ${allowed}, of so few images: its default is ${preset}` });
  return allowed;
};

/** Neighbours, and splits of samples, if nobody says how many. */
const NEIGHBOURS = 3, SPLITS = 10;

/** Improved precision and recall, of as many samples as real images. */
export const measurePrecisionRecall: MetricFunction<ComparisonOptions & { neighbours?: number }> = async (
  subject,
  options,
) => {
  const least = options.neighbours ?? 1;
  using sets = await openSets(subject, options, {
    needsReal: true,
    need: () => ({ least: least + 1, why: `more than ${least} neighbour${least === 1 ? "" : "s"}` }),
  });
  const [samples, real] = equalCounts(sets.samples.rows, sets.real!.rows, subject.options.seed);
  const neighbours = options.neighbours ?? asManyAs(samples.count - 1, "neighbours", NEIGHBOURS, subject);
  const found = await precisionRecall(samples, real, { neighbours, signal: subject.signal });
  const by = `(${samples.count} images of each, neighbour ${neighbours})`;
  return resultOf(
    sets,
    [["precision", `${number(found.precision)} ${by}`], ["recall", `${number(found.recall)} ${by}`]],
    { ...found, images: samples.count },
  );
};

/** Inception Score of samples. */
export const measureInceptionScore: MetricFunction<ComparisonOptions & { splits?: number }> = async (
  subject,
  options,
) => {
  using sets = await openSets(subject, options, {
    needsReal: false,
    need: () => ({ least: options.splits ?? 1, why: "one a split" }),
  });
  const { extractor, samples: { rows } } = sets;
  const splits = options.splits ?? asManyAs(rows.count, "splits", SPLITS, subject);
  const logits = { data: extractor.classify(rows.data), count: rows.count, size: extractor.classes };
  const found = inceptionScore(logits, { splits, seed: subject.options.seed });
  const text = `${number(found.value)} ± ${
    number(found.deviation)
  } (over ${splits} splits, of at most ${extractor.classes})`;
  return resultOf(sets, [["Inception Score", text]], { ...found, classes: extractor.classes });
};
