import * as tf from "@tensorflow/tfjs-core";
import { checkInteger } from "../core/check.ts";
import type { Engine } from "../engine/mod.ts";
import { sampleShape } from "./config.ts";
import { toEngineLayout } from "./layout.ts";
import type { Pipeline } from "./pipeline.ts";
import type { StoredTensor } from "./safetensors.ts";
import { timestepEmbedding } from "./timestep_embedding.ts";
import { createUNet } from "./unet.ts";
import { Weights } from "./weights.ts";

/** ε_θ on plain arrays: a model on its engine, ready to be asked. */
export interface Denoiser {
  readonly height: number;
  readonly width: number;
  /** Channels of an image. */
  readonly channels: number;
  /** Channels of the output: twice those of an image where the variance is learned. */
  readonly outChannels: number;
  /** Rows of the class embedding, the null class included; `null` for an unconditional model. */
  readonly numClasses: number | null;
  /**
   * Evaluates the network.
   *
   * @param x n images, NHWC
   * @param timesteps n timesteps, 0 … T − 1
   * @param labels n indices into the class embedding; `null` exactly for an unconditional model
   * @returns n outputs, NHWC with `outChannels` channels
   */
  evaluate(x: Float32Array, timesteps: ArrayLike<number>, labels: ArrayLike<number> | null): Float32Array;
  /** Frees the weights. */
  dispose(): void;
}

/** Uploads stored tensors in the engine's layout. */
export const uploadWeights = (tensors: ReadonlyMap<string, StoredTensor>): Map<string, tf.Tensor> =>
  new Map(
    Array.from(tensors, ([name, stored]) => {
      const { shape, data } = toEngineLayout(name, stored);
      return [name, tf.tensor(data, [...shape])];
    }),
  );

/**
 * Classes as rows of zeros with a one, [n, count].
 *
 * @throws {RangeError} if a label is no integer in [0, count): it would fall into another row
 */
export const oneHot = (labels: ArrayLike<number>, count: number): Float32Array => {
  const rows = new Float32Array(labels.length * count);
  for (let i = 0; i < labels.length; i++) rows[i * count + checkInteger(`labels[${i}]`, labels[i], 0, count - 1)] = 1;
  return rows;
};

/** Puts a model's weights on the engine. */
export const createDenoiser = (_engine: Engine, { unet: config, weights: stored }: Pipeline): Denoiser => {
  const [height, width] = sampleShape(config);
  const { in_channels: channels, out_channels: outChannels, num_class_embeds: numClasses } = config;
  const unet = createUNet(config);
  const weights = new Weights(uploadWeights(stored));
  const size = config.block_out_channels[0];
  const embedding = { size, freqShift: config.freq_shift, flipSinToCos: config.flip_sin_to_cos };

  return {
    height,
    width,
    channels,
    outChannels,
    numClasses,
    evaluate: (x, timesteps, labels) => {
      const n = timesteps.length;
      if ((labels === null) !== (numClasses === null)) {
        throw new TypeError(
          `labels must be ${numClasses === null ? "null" : "given"} for this model, received ${labels}`,
        );
      }
      return tf.tidy(() =>
        unet({
          x: tf.tensor4d(x, [n, height, width, channels]),
          timesteps: tf.tensor2d(timestepEmbedding(timesteps, embedding), [n, size]),
          classes: labels === null ? undefined : tf.tensor2d(oneHot(labels, numClasses!), [n, numClasses!]),
        }, weights).dataSync()
      ) as Float32Array;
    },
    dispose: () => weights.dispose(),
  };
};
