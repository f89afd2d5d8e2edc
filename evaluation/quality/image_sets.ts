import { isBuiltin } from "../../datasets/names.ts";
import { chooseClasses, createDataset, type Dataset, partsOf } from "../../datasets/dataset.ts";
import { openDataset } from "../../datasets/open.ts";
import { type ByteImages, type ImageShape, toBytes } from "../../formats/pixels.ts";
import type { Classes } from "../../model/pipeline.ts";
import { compileTask } from "../../sampling/compile.ts";
import { denoise, startRow } from "../../sampling/denoise.ts";
import { ParameterError } from "../../sampling/errors.ts";
import { modelInfoOf, targetOf } from "../../sampling/loaded_model.ts";
import { type ResolvedSampling, resolveSampling, type SamplingParameters } from "../../sampling/parameters.ts";
import type { ClassShares } from "../../training/choices.ts";
import { matchClasses } from "../classes.ts";
import { EvaluationError } from "../error.ts";
import type { Subject, SubjectModel } from "../subject.ts";

/** A set of images that comes in batches, in an order of its own: a dataset's, or those that a model draws. */
export interface ImageSet extends ImageShape {
  /** For people to read. */
  readonly name: string;
  /** All that decides image i, whichever i: plain data. */
  readonly key: Readonly<Record<string, unknown>>;
  /** How many there are, or can be had. */
  readonly count: number;
  /**
   * The images from `first` on, up to the one before `end`.
   *
   * @param onStep receives progress in images, which may be parts of one
   * @throws the signal's reason, once it aborts
   */
  batches(
    first: number,
    end: number,
    options: { batch: number; signal: AbortSignal; onStep: (images: number) => void },
  ): AsyncIterable<ByteImages>;
}

/** Which part of a dataset goes by its name; `null` where nobody says. */
const splitOf = (name: string): "train" | "test" | null => {
  if (!isBuiltin(name)) return null;
  return name.endsWith("-test") ? "test" : "train";
};

/** A dataset's images, in its order. */
export const datasetImages = (dataset: Dataset, where: string): ImageSet => {
  const { count, height, width, channels, fingerprint } = dataset;
  const size = height * width * channels;
  const part = splitOf(where);
  return {
    name: part ? `${where} (${part})` : where,
    key: { dataset: fingerprint, height, width, channels },
    count,
    height,
    width,
    channels,
    batches: async function* (first, end, { batch, signal, onStep }) {
      for (let start = first; start < end; start += batch) {
        await new Promise<void>((resume) => setTimeout(resume, 0));
        signal.throwIfAborted();
        const n = Math.min(batch, end - start);
        const data = new Uint8Array(n * size);
        for (let i = 0; i < n; i++) dataset.read(start + i, data, i * size);
        yield { data, height, width, channels };
        onStep(n);
      }
    },
  };
};

/** The part of 1 by which each next draw moves on: that of the golden ratio leaves the draws spread evenly, however many. */
const STRIDE = (Math.sqrt(5) - 1) / 2;

/** How often the data has each class of the model. */
export interface ClassCounts {
  /** Of each class its number of images. */
  readonly counts: readonly number[];
  /** The class of sample i, whichever i: of n samples each class has its share, to within a few. */
  classOf(i: number): number;
}

/**
 * Shares out classes as the data has them.
 *
 * @throws {EvaluationError} if the model has no classes, or the data not the model's
 */
export const countClasses = (model: Classes, dataset: Dataset, name: string): ClassCounts => {
  const indexOf = matchClasses(model, dataset);
  if (indexOf === null) {
    throw new EvaluationError(`class-shares must be equal for the model ${name}, which has no classes, received data`);
  }
  const counts = model.labels!.map(() => 0);
  for (const label of dataset.labels!) counts[indexOf[label]]++;
  const ends: number[] = [];
  counts.reduce((sum, count, k) => ends[k] = sum + count, 0);
  return { counts, classOf: (i) => ends.findIndex((end) => end > (i + 0.5) * STRIDE % 1 * dataset.count) };
};

/** How a model is asked for samples. */
export type DrawnImageOptions = Omit<SamplingParameters, "n" | "variance">;

const resolveDrawing = (
  parameters: SamplingParameters,
  { pipeline, engine, network }: SubjectModel,
  classes: ClassCounts | null,
): ResolvedSampling => {
  try {
    const sampling = resolveSampling(parameters, {
      ...modelInfoOf(pipeline, engine, network),
      recommended: undefined,
    });
    return classes === null
      ? sampling
      : { ...sampling, labels: Array.from({ length: sampling.n }, (_, i) => classes.classOf(i)) };
  } catch (error) {
    if (!(error instanceof ParameterError)) throw error;
    const [{ field, received, allowed }] = error.issues;
    throw new EvaluationError(`${field} must be ${allowed}, received ${JSON.stringify(received)}`, { cause: error });
  }
};

/**
 * The images that a model draws: as bytes, as `sample` writes them. Image i depends on the seed and i alone, so those of
 * a larger set begin with those of a smaller one.
 *
 * @param classes the class of each; `null`: the one that the options name, or each in turn
 * @throws {EvaluationError} if the model cannot be asked for them
 */
const drawnImages = (
  subject: SubjectModel,
  { n, ...options }: DrawnImageOptions & { n: number },
  model: string,
  classes: ClassCounts | null = null,
): ImageSet => {
  const { pipeline, network, digest } = subject;
  const sampling = resolveDrawing({ n, ...options }, subject, classes);
  const task = (() => {
    try {
      return compileTask({ kind: "generate", sampling }, targetOf(pipeline, network));
    } catch (cause) {
      throw cause instanceof RangeError ? new EvaluationError(cause.message, { cause }) : cause;
    }
  })();
  const { height, width, channels } = network;
  const { sampler, steps, seed, guidance, spacing, eta } = sampling;
  const label = options.label;
  const settings = [
    `${sampler} in ${steps} steps`,
    ...(guidance === 1 ? [] : [`guidance ${guidance}`]),
    ...(eta === undefined ? [] : [`eta ${eta}`]),
    ...(label === undefined ? [] : [`class ${label}`]),
    ...(classes === null ? [] : ["classes as often as in the data"]),
    `seed ${seed}`,
  ];
  return {
    name: `${model}, ${settings.join(", ")}`,
    key: { model: digest, sampler, steps, seed, guidance, spacing, eta, label, classes: classes?.counts },
    count: n,
    height,
    width,
    channels,
    batches: async function* (first, end, { batch, signal, onStep }) {
      for (let start = first; start < end; start += batch) {
        const rows = Array.from({ length: Math.min(batch, end - start) }, (_, i) => startRow(task, start + i));
        await denoise(network, rows, {
          nullLabel: pipeline.nullLabel,
          signal,
          onStep: ({ length }) => onStep(length / task.steps),
        });
        const data = new Uint8Array(rows.length * height * width * channels);
        rows.forEach(({ x }, i) => data.set(toBytes(x), i * x.length));
        yield { data, height, width, channels };
      }
    },
  };
};

/** Which samples are looked at. */
export interface SampleSetOptions extends Omit<DrawnImageOptions, "seed"> {
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

const countsOf = async (subject: Subject, { label, classShares }: SampleSetOptions) => {
  if (classShares === "equal") return null;
  if (label !== undefined) {
    throw new EvaluationError(`class-shares must be equal with label, received ${classShares}`);
  }
  const { pipeline } = await subject.model();
  return countClasses(pipeline, await subject.data(), subject.options.model);
};

/**
 * The samples that the options name: the model's, or images from elsewhere.
 *
 * @param opened what has to be closed behind them is added to it
 * @param options.count how many a model is asked for, if nobody says
 * @throws {EvaluationError} if the model cannot be asked for them, or there are not as many
 * @throws {DatasetError} if the images from elsewhere cannot be had
 */
export const openSampleSet = async (
  subject: Subject,
  options: SampleSetOptions,
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
