import { bpdTerm, DOMAINS, fillNormal, isLearned, priorBitsPerDim, qSample } from "../../core/mod.ts";
import { batch as gather } from "../../jobs/data/batch.ts";
import type { Dataset } from "../../jobs/data/dataset.ts";
import type { Denoiser } from "../../model/denoiser.ts";
import { EvaluationError } from "../error.ts";
import { addToMoments } from "./moments.ts";
import type { Process } from "./process.ts";
import { completeQuantities, placeOf, quantitiesOf } from "./quantities.ts";
import type { Stand } from "./stand.ts";

/** The network, as far as the bound needs it. */
export type Network = Pick<Denoiser, "channels" | "outChannels" | "evaluate">;

/** What is measured. */
export interface MeasureImagesOptions {
  readonly network: Network;
  readonly process: Process;
  readonly dataset: Dataset;
  /** Which images, by their index in the dataset. */
  readonly indices: Uint32Array;
  /** The class that the network is told, by image; `null` for a model without classes. */
  readonly classOf: ((index: number, label: number | undefined) => number) | null;
  readonly seed: number;
  /** Images that the network is asked for together. */
  readonly batch: number;
  readonly signal: AbortSignal;
  /** Called after each answer of the network, with the number of images that it was asked for. */
  readonly onStep: (images: number) => void | Promise<void>;
}

// Signals are heard only between two tasks of the event loop, and the network never leaves it to one.
const listen = () => new Promise<void>((resume) => setTimeout(resume, 0));

/** Of each pixel's outputs the first C: what is left where a network says a variance that is not taken. */
const withoutVariance = (output: Float32Array, channels: number): Float32Array =>
  output.filter((_, i) => i % (2 * channels) < channels);

/**
 * Takes `stand` to the bound of all the images, one draw of noise for each image and step.
 *
 * The noise is a function of the seed, the image's index in the dataset and the network's timestep. So the numbers depend
 * neither on `batch` nor on where the work was stopped, if the bits of a row on the engine do not.
 *
 * @throws {EvaluationError} if the network answers NaN or ±∞
 * @throws the signal's reason once that aborts; `stand` is what there is to go on from
 */
export const measureImages = async (
  stand: Stand,
  { network, process, dataset, indices, classOf, seed, batch, signal, onStep }: MeasureImagesOptions,
): Promise<void> => {
  const { diffusion, timesteps, ...reading } = process;
  const { channels, outChannels } = network;
  const steps = timesteps.length, quantities = quantitiesOf(steps);
  const ignoresVariance = outChannels === 2 * channels && !isLearned(reading.variance);

  while (stand.moments.count < indices.length) {
    const first = stand.moments.count;
    const size = stand.pending?.size ?? Math.min(batch, indices.length - first);
    const pending = stand.pending ??= { size, step: steps - 1, values: new Float64Array(size * quantities) };
    const chosen = indices.subarray(first, first + size);
    const { images, labels } = gather(dataset, chosen);
    const classes = classOf && Array.from(chosen, (index, i) => classOf(index, labels?.[i]));
    const length = images.length / size;
    const image = (all: Float32Array, i: number) => all.subarray(i * length, (i + 1) * length);
    const noise = new Float32Array(images.length), x = new Float32Array(images.length);

    while (pending.step >= 0) {
      await listen();
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
        values[placeOf(steps, "bits", step)] = term.bits;
        values[placeOf(steps, "xStartMse", step)] = term.xStartMse;
        values[placeOf(steps, "epsilonMse", step)] = term.mse;
      }
      pending.step--;
      await onStep(size);
    }
    for (let i = 0; i < size; i++) {
      const values = pending.values.subarray(i * quantities, (i + 1) * quantities);
      completeQuantities(steps, values, priorBitsPerDim(diffusion, image(images, i)));
      addToMoments(stand.moments, values);
    }
    stand.pending = null;
  }
};
