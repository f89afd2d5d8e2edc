import { fillNormal, uniform } from "../../core/mod.ts";
import type { ClassShares } from "../choices.ts";
import { createBatchOrder } from "../data/batch.ts";
import type { Dataset, DatasetParts } from "../data/dataset.ts";
import { TRAINING_DOMAINS } from "./domains.ts";
import { fillMask } from "./dropout.ts";

/** How a step's images are prepared; all of it can be sent to another thread. */
export interface BatchPlan {
  readonly seed: number;
  /** Images a step. */
  readonly batch: number;
  /** Images a network call, a divisor of `batch`: a part. */
  readonly microBatch: number;
  /** Whether half of the images are mirrored. */
  readonly flip: boolean;
  /** How the classes are shared out, where there are any. */
  readonly classShares: ClassShares;
  readonly labelDropout: number;
  /** The class that stands for none; `null`: the network is told no classes. */
  readonly nullLabel: number | null;
  /** Masks to make for layers of these sizes; `null` where nothing is dropped, or the engine makes them. */
  readonly masks: { readonly rate: number; readonly sizes: readonly number[] } | null;
}

/** What one network call of training looks at, before noise is mixed in. Images are flat NHWC. */
export interface Part {
  /** x_0, in [−1, 1]. */
  readonly images: Float32Array;
  /** ε. */
  readonly noise: Float32Array;
  /** Class of each image, the null class where it was dropped; `null` without classes. */
  readonly labels: Int32Array | null;
  /** Each layer's mask, 1 for what is kept; `null` without. */
  readonly masks: readonly Uint8Array[] | null;
}

type Shape = Pick<DatasetParts, "height" | "width" | "channels">;

/** Memory for a part, shared between threads. */
export const allocatePart = (
  { height, width, channels }: Shape,
  { microBatch: n, nullLabel, masks }: BatchPlan,
): Part => {
  const floats = () => new Float32Array(new SharedArrayBuffer(n * height * width * channels * 4));
  return {
    images: floats(),
    noise: floats(),
    labels: nullLabel === null ? null : new Int32Array(new SharedArrayBuffer(n * 4)),
    masks: masks && masks.sizes.map((size) => new Uint8Array(new SharedArrayBuffer(n * size))),
  };
};

/** Writes an image's bytes as values in [−1, 1], mirrored if asked for. */
const writeImage = (
  values: Float32Array,
  bytes: Uint8Array,
  { width, channels, isMirrored }: { width: number; channels: number; isMirrored: boolean },
): void => {
  if (!isMirrored) {
    for (let i = 0; i < bytes.length; i++) values[i] = bytes[i] / 127.5 - 1;
    return;
  }
  for (let i = 0; i < bytes.length; i++) {
    const pixel = Math.floor(i / channels), x = pixel % width;
    values[i] = bytes[(pixel - x + width - 1 - x) * channels + i % channels] / 127.5 - 1;
  }
};

/**
 * Makes the function that prepares parts: image j of part p of a step is image p·microBatch + j of the batch, and all about
 * it is a function of (seed, step, place in the batch), so that training resumes exactly and parts do not show.
 */
export const createPreparer = (
  dataset: Dataset,
  { seed, batch, microBatch, flip, classShares, labelDropout, nullLabel, masks }: BatchPlan,
): (step: number, part: number, into: Part) => void => {
  const { height, width, channels } = dataset;
  const size = height * width * channels;
  const labels = classShares === "equal" ? dataset.labels ?? undefined : undefined;
  const order = createBatchOrder({ length: dataset.count, batchSize: microBatch, seed, labels });
  const bytes = new Uint8Array(size);

  return (step, part, into) => {
    const indices = order(step * (batch / microBatch) + part);
    for (let j = 0; j < microBatch; j++) {
      const sample = part * microBatch + j;
      dataset.read(indices[j], bytes);
      const isMirrored = flip && uniform(seed, sample, step, 0, TRAINING_DOMAINS.flips) < 0.5;
      writeImage(into.images.subarray(j * size, (j + 1) * size), bytes, { width, channels, isMirrored });
      fillNormal(into.noise.subarray(j * size, (j + 1) * size), { seed, sample, step, domain: TRAINING_DOMAINS.noise });
      if (into.labels) {
        const isDropped = uniform(seed, sample, step, 0, TRAINING_DOMAINS.labels) < labelDropout;
        into.labels[j] = isDropped ? nullLabel! : dataset.labels![indices[j]];
      }
    }
    masks?.sizes.forEach((size, layer) =>
      fillMask(into.masks![layer], { seed, step, layer, first: part * microBatch * size }, masks.rate)
    );
  };
};
