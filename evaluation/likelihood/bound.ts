import {
  bpdTerm,
  type Diffusion,
  DOMAINS,
  fillNormal,
  isLearned,
  permutation,
  type Prediction,
  priorBitsPerDim,
  qSample,
  respace,
  sectionTimesteps,
  type Variance,
} from "../../core/mod.ts";
import { batch as gather } from "../../datasets/batch.ts";
import type { Dataset } from "../../datasets/dataset.ts";
import type { Denoiser } from "../../model/denoiser.ts";
import { diffusionOf, type SchedulerConfig } from "../../model/scheduler_config.ts";
import { EvaluationError } from "../error.ts";
import type { EvaluationEvent } from "../subject.ts";
import {
  addToMoments,
  completeQuantities,
  countQuantities,
  type PartialResult,
  stepQuantityIndex,
} from "./partial_result.ts";

/** The process whose bound is taken, and how the network's output is read. */
export interface EvaluatedProcess {
  /** The tables, of the timesteps that are kept. */
  readonly diffusion: Diffusion;
  /** What the network is asked for at each step: ascending. */
  readonly timesteps: Int32Array;
  readonly prediction: Prediction;
  readonly variance: Variance;
  /** x_0 is clamped to [−clip, clip]. */
  readonly clip: number;
}

const selectTimesteps = (T: number, respacing: string | undefined): Int32Array => {
  if (respacing === undefined) return Int32Array.from({ length: T }, (_, t) => t);
  try {
    return sectionTimesteps(T, respacing).reverse();
  } catch (cause) {
    const { message } = cause as Error;
    throw new EvaluationError(
      `respacing must be numbers of the model's ${T} timesteps, as 50, 10,15,20 or ddim50, received ` +
        `${JSON.stringify(respacing)}: ${message}`,
      { cause },
    );
  }
};

/**
 * The process that a model samples by: its variance and its clipping with it.
 *
 * @param options.respacing timesteps to keep, as `sectionTimesteps` reads it; all if left out
 * @param options.variance in place of the model's
 * @throws {EvaluationError} if `respacing` cannot be read, or asks for more timesteps than there are
 */
export const evaluatedProcess = (
  scheduler: SchedulerConfig,
  { respacing, variance }: { respacing?: string; variance?: Variance } = {},
): EvaluatedProcess => {
  const whole = diffusionOf(scheduler);
  const timesteps = selectTimesteps(whole.timesteps, respacing);
  const diffusion = respace(whole, timesteps.toReversed());
  if (scheduler.prediction_type === "epsilon" && diffusion.alphasCumprod.at(-1) === 0) {
    throw new EvaluationError(
      "model must predict x_0 or v, since its last timestep holds no signal, received one that predicts epsilon",
    );
  }
  return {
    diffusion,
    timesteps,
    prediction: scheduler.prediction_type,
    // diffusers' names with _log are the same variances.
    variance: variance ?? scheduler.variance_type.replace(/_log$/, "") as Variance,
    clip: scheduler.clip_sample ? scheduler.clip_sample_range : Infinity,
  };
};

/**
 * Chooses `n` of a dataset's images at random, without repetition. The first of more are those of fewer.
 *
 * @returns their indices
 * @throws {EvaluationError} if there are not as many
 */
export const chooseImages = (
  { name, count }: Pick<Dataset, "name" | "count">,
  { n, seed }: { n: number; seed: number },
): Uint32Array => {
  if (n > count) throw new EvaluationError(`n must be at most ${count}, the images of ${name}, received ${n}`);
  return permutation(count, { seed, epoch: 0 }).slice(0, n);
};

/** The network, as far as the bound needs it. */
export type BoundNetwork = Pick<Denoiser, "channels" | "outChannels" | "evaluate">;

/** What is measured. */
export interface MeasureBoundOptions {
  readonly network: BoundNetwork;
  readonly process: EvaluatedProcess;
  readonly dataset: Dataset;
  /** Which images, by their index in the dataset. */
  readonly indices: Uint32Array;
  /** The class that the network receives, by image; `null` for a model without classes. */
  readonly classOf: ((index: number, label: number | undefined) => number) | null;
  readonly seed: number;
  /** Images that the network is asked for together. */
  readonly batch: number;
  readonly signal: AbortSignal;
  /** Called after each answer of the network, with the number of images that it was asked for. */
  readonly onStep: (images: number) => void | Promise<void>;
}

// Signals arrive only between two tasks of the event loop, and the network never leaves it to one.
const yieldToEventLoop = () => new Promise<void>((resume) => setTimeout(resume, 0));

/** Of each pixel's outputs the first C: what is left where a network says a variance that is not taken. */
const withoutVariance = (output: Float32Array, channels: number): Float32Array =>
  output.filter((_, i) => i % (2 * channels) < channels);

/**
 * Completes `result` to the bound of all the images, one draw of noise for each image and step.
 *
 * The noise is a function of the seed, the image's index in the dataset and the network's timestep. So the numbers depend
 * neither on `batch` nor on where the work was stopped, if the bits of a row on the engine do not.
 *
 * @throws {EvaluationError} if the network answers NaN or ±∞
 * @throws the signal's reason once that aborts; `result` is what there is to go on from
 */
export const measureBound = async (
  result: PartialResult,
  { network, process, dataset, indices, classOf, seed, batch, signal, onStep }: MeasureBoundOptions,
): Promise<void> => {
  const { diffusion, timesteps, ...reading } = process;
  const { channels, outChannels } = network;
  const steps = timesteps.length, quantities = countQuantities(steps);
  const ignoresVariance = outChannels === 2 * channels && !isLearned(reading.variance);

  while (result.moments.count < indices.length) {
    const first = result.moments.count;
    const size = result.pending?.size ?? Math.min(batch, indices.length - first);
    const pending = result.pending ??= { size, step: steps - 1, values: new Float64Array(size * quantities) };
    const chosen = indices.subarray(first, first + size);
    const { images, labels } = gather(dataset, chosen);
    const classes = classOf && Array.from(chosen, (index, i) => classOf(index, labels?.[i]));
    const length = images.length / size;
    const image = (all: Float32Array, i: number) => all.subarray(i * length, (i + 1) * length);
    const noise = new Float32Array(images.length), x = new Float32Array(images.length);

    while (pending.step >= 0) {
      await yieldToEventLoop();
      signal.throwIfAborted();
      const { step } = pending, t = timesteps[step];
      for (let i = 0; i < size; i++) {
        fillNormal(image(noise, i), { seed, sample: chosen[i], step: t, domain: DOMAINS.bound });
        qSample(diffusion, image(images, i), step, image(noise, i), image(x, i));
      }
      const answer = network.evaluate(x, new Int32Array(size).fill(t), classes);
      if (!answer.every(Number.isFinite)) {
        throw new EvaluationError(`model must answer with finite numbers, received others at timestep ${t}`);
      }
      const output = ignoresVariance ? withoutVariance(answer, channels) : answer;
      for (let i = 0; i < size; i++) {
        const own = output.subarray(i * output.length / size, (i + 1) * output.length / size);
        const options = { ...reading, xt: image(x, i), t: step, output: own, channels };
        const term = bpdTerm(diffusion, image(images, i), image(noise, i), options);
        const values = pending.values.subarray(i * quantities, (i + 1) * quantities);
        values[stepQuantityIndex(steps, "bits", step)] = term.bits;
        values[stepQuantityIndex(steps, "xStartMse", step)] = term.xStartMse;
        values[stepQuantityIndex(steps, "epsilonMse", step)] = term.mse;
      }
      pending.step--;
      await onStep(size);
    }
    for (let i = 0; i < size; i++) {
      const values = pending.values.subarray(i * quantities, (i + 1) * quantities);
      completeQuantities(steps, values, priorBitsPerDim(diffusion, image(images, i)));
      addToMoments(result.moments, values);
    }
    result.pending = null;
  }
};

/** Counts answers of the network, those of before a break too, and guesses how long the rest will take. */
export const createProgressMeter = (
  { images, steps, result, batch }: { images: number; steps: number; result: PartialResult; batch: number },
): (images: number) => EvaluationEvent => {
  const { moments: { count }, pending } = result;
  const rest = images - count - (pending?.size ?? 0);
  const done = Math.ceil(count / batch) * steps + (pending ? steps - 1 - pending.step : 0);
  const all = (Math.ceil(count / batch) + (pending ? 1 : 0) + Math.ceil(rest / batch)) * steps;
  const rowsLeft = (images - count) * steps - (pending ? (steps - 1 - pending.step) * pending.size : 0);
  const started = performance.now();
  let [step, rows] = [done, 0];
  return (size) => {
    step++;
    rows += size;
    const rowsPerSecond = rows * 1000 / (performance.now() - started);
    return {
      event: "progress",
      step,
      steps: all,
      imagesPerSecond: rowsPerSecond / steps,
      secondsLeft: (rowsLeft - rows) / rowsPerSecond,
    };
  };
};
