import { fillNormal, philox4x32, uniform } from "../core/mod.ts";
import { createBatchOrder } from "../datasets/batch.ts";
import type { Dataset, DatasetParts } from "../datasets/dataset.ts";
import { architectureOf } from "../model/architecture.ts";
import { sampleShape, type UNetConfig } from "../model/unet_config.ts";
import type { ClassShares } from "./choices.ts";

/** Domains of core's draws that are training's, apart from sampling's 0. */
export const TRAINING_DOMAINS = {
  noise: 0x7a01,
  timesteps: 0x7a02,
  labels: 0x7a03,
  flips: 0x7a04,
  dropout: 0x7a05,
} as const;

/** Elements an image of each layer that drops some, in the order in which the network runs them. */
export const dropoutSizes = (config: UNetConfig): number[] => {
  const { down, mid, up } = architectureOf(config);
  const [height, width] = sampleShape(config);
  const sizeAt = (level: number, channels: number) => height * width / 4 ** level * channels;
  const last = down.length - 1;
  return [
    ...down.flatMap(({ layers }, level) => layers.map(({ outChannels }) => sizeAt(level, outChannels))),
    ...mid.map(({ outChannels }) => sizeAt(last, outChannels)),
    ...up.flatMap(({ layers }, i) => layers.map(({ outChannels }) => sizeAt(last - i, outChannels))),
  ];
};

/** What a stretch of a mask belongs to. */
export interface MaskKey {
  readonly seed: number;
  readonly step: number;
  /** Place of the layer among those of {@linkcode dropoutSizes}. */
  readonly layer: number;
  /** Place of the first element in the whole batch's mask, a multiple of 4. */
  readonly first: number;
}

/** The key of Philox for a seed, the lowest word first. */
export const philoxKey = (seed: number): Int32Array => Int32Array.of(seed, Math.floor(seed / 2 ** 32));

/** The counter of Philox from which a mask's words run on, the lowest word first. */
export const maskCounter = ({ step, layer, first }: Omit<MaskKey, "seed">): Int32Array =>
  Int32Array.of(Math.ceil(first / 4), step, layer, TRAINING_DOMAINS.dropout);

/**
 * Fills a mask: 1 for what is kept, 0 for a share `rate` that is dropped. A function of the seed, the step, the layer and
 * the element's place in the batch, which a batch's parts share; `counterUniform` on an engine draws the same.
 */
export const fillMask = (mask: Uint8Array, { seed, ...key }: MaskKey, rate: number): void => {
  const words = new Int32Array(4);
  const [low, high] = philoxKey(seed);
  const [block, step, layer, domain] = maskCounter(key);
  const threshold = Math.fround(rate) * 2 ** 23;
  for (let i = 0; i < mask.length; i += 4) {
    philox4x32(words, block + i / 4, step, layer, domain, low, high);
    for (let k = 0; k < 4 && i + k < mask.length; k++) mask[i + k] = (words[k] & 0x7fffff) >= threshold ? 1 : 0;
  }
};

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
export interface MicroBatch {
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
export const allocateMicroBatch = (
  { height, width, channels }: Shape,
  { microBatch: n, nullLabel, masks }: BatchPlan,
): MicroBatch => {
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
export const createBatchPreparer = (
  dataset: Dataset,
  { seed, batch, microBatch, flip, classShares, labelDropout, nullLabel, masks }: BatchPlan,
): (step: number, part: number, into: MicroBatch) => void => {
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
