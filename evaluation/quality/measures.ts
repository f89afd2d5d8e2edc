import { permutation } from "../../core/noise.ts";
import { EvaluationError } from "../error.ts";
import type { Measure, Result } from "../metric.ts";
import { keptStatistics, statisticsOf } from "./feature_store.ts";
import { frechetDistance } from "./frechet_distance.ts";
import { readGivenStatistics } from "./given_statistics.ts";
import { inceptionScore } from "./inception_score.ts";
import { kernelDistance } from "./kernel_distance.ts";
import { type Described, openSets, type SetOptions, type Sets } from "./open_sets.ts";
import { precisionRecall } from "./precision_recall.ts";
import { type Rows, takeRows } from "./products.ts";

/** Draws that choose rows, apart from those of the kernel distance's subsets. */
const CHOICE_EPOCH = 0xc401ce;

const number = (value: number): string => {
  const size = Math.abs(value);
  return size !== 0 && size < 1e-3 ? value.toExponential(3) : value.toFixed(size < 1 ? 5 : 3);
};

/** Everything that a number depends on, which is told with it. */
const settingsOf = ({ extractor, samples, real }: Sets) => ({
  samples: { ...samples.set.key, of: samples.set.name, images: samples.rows.count },
  reference: real ? { ...real.set.key, of: real.set.name, images: real.rows.count } : null,
  features: { of: extractor.name, digest: extractor.digest, count: extractor.featureCount },
  resize: extractor.resize,
});

const described = (what: string, { set, rows }: Described): string =>
  `  ${what.padEnd(10)} ${rows.count} images of ${set.height}×${set.width}×${set.channels}: ${set.name}`;

const tell = (
  sets: Sets,
  numbers: readonly (readonly [string, string])[],
  document: Record<string, unknown>,
): Result => {
  const { extractor, samples, real } = sets;
  const width = Math.max(...numbers.map(([name]) => name.length));
  const lines = [
    ...numbers.map(([name, value]) => `${name.padEnd(width)}  ${value}`),
    described("samples", samples),
    ...(real ? [described("reference", real)] : []),
    `  ${"features".padEnd(10)} ${extractor.featureCount} of ${extractor.name} (${extractor.digest.slice(0, 12)}), ` +
    `resize ${extractor.resize}`,
  ];
  return { document: { ...document, ...settingsOf(sets) }, text: lines.join("\n") };
};

/** Fréchet distance of samples from the data, of which the statistics will do. */
export const measureFid: Measure<SetOptions> = async (subject, options) => {
  const { data } = subject.options;
  const given = await readGivenStatistics(data);
  using sets = await openSets(subject, options, {
    needsReal: given === null,
    need: (features) => ({
      least: features + 1,
      why: `a covariance of ${features} features needs more images than that; kid does with fewer`,
    }),
  });
  const { samples, real, extractor, store } = sets;
  if (given && given.mean.length !== extractor.featureCount) {
    throw new EvaluationError(
      `data must be statistics of ${extractor.featureCount} features, as ${extractor.name} has, ` +
        `received ${given.mean.length} (${data})`,
    );
  }
  const reference = given ?? await keptStatistics(real!.set, extractor, real!.rows, store);
  const value = frechetDistance(await statisticsOf(samples.rows, subject), reference);
  const result = tell(sets, [["Fréchet distance", number(value)]], { value });
  if (!given) return result;
  return {
    document: { ...result.document, reference: { of: data, images: null } },
    text: `${result.text}\n  ${"reference".padEnd(10)} the statistics in ${data}, of images that it does not tell`,
  };
};

/** Kernel distance of samples from the data. */
export const measureKid: Measure<SetOptions & { subsets: number; subsetSize: number }> = async (subject, options) => {
  using sets = await openSets(subject, options, {
    needsReal: true,
    need: () => ({ least: 2, why: "an estimate without bias compares pairs" }),
  });
  const { seed } = subject.options;
  const found = await kernelDistance(sets.samples.rows, sets.real!.rows, { ...options, seed, signal: subject.signal });
  const { value, deviation, standardError, subsets, subsetSize } = found;
  const told = `${number(value)} ± ${number(standardError)} (deviation ${
    number(deviation)
  } over ${subsets} subsets of ${subsetSize})`;
  return tell(sets, [["kernel distance", told]], { ...found });
};

/** As many rows of each set: more rows span more. The larger set's are chosen at random. */
const evenly = (a: Rows, b: Rows, seed: number): [Rows, Rows] => {
  const count = Math.min(a.count, b.count);
  const choose = (rows: Rows) =>
    rows.count === count
      ? rows
      : takeRows(rows, permutation(rows.count, { seed, epoch: CHOICE_EPOCH }).subarray(0, count).toSorted());
  return [choose(a), choose(b)];
};

/** Improved precision and recall, of as many samples as real images. */
export const measurePrecisionRecall: Measure<SetOptions & { neighbours: number }> = async (subject, options) => {
  const { neighbours } = options;
  using sets = await openSets(subject, options, {
    needsReal: true,
    need: () => ({ least: neighbours + 1, why: `more than ${neighbours} neighbours` }),
  });
  const [samples, real] = evenly(sets.samples.rows, sets.real!.rows, subject.options.seed);
  const found = await precisionRecall(samples, real, { neighbours, signal: subject.signal });
  const by = `(${samples.count} images of each, neighbour ${neighbours})`;
  return tell(
    sets,
    [["precision", `${number(found.precision)} ${by}`], ["recall", `${number(found.recall)} ${by}`]],
    { ...found, images: samples.count },
  );
};

/** Inception Score of samples. */
export const measureInceptionScore: Measure<SetOptions & { splits: number }> = async (subject, options) => {
  const { splits } = options;
  using sets = await openSets(subject, options, {
    needsReal: false,
    need: () => ({ least: splits, why: "one a split" }),
  });
  const { extractor, samples: { rows } } = sets;
  const logits = { data: extractor.classify(rows.data), count: rows.count, size: extractor.classes };
  const found = inceptionScore(logits, { splits, seed: subject.options.seed });
  const told = `${number(found.value)} ± ${
    number(found.deviation)
  } (over ${splits} splits, of at most ${extractor.classes})`;
  return tell(sets, [["Inception Score", told]], { ...found, classes: extractor.classes });
};
