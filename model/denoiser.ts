import * as tf from "@tensorflow/tfjs-core";
import { checkInteger } from "../core/check.ts";
import { compile } from "../engine/compile.ts";
import type { Engine } from "../engine/engine.ts";
import { readTensor } from "../engine/read_tensor.ts";
import { bucketOf, padTo } from "./bucket.ts";
import type { Pipeline } from "./pipeline.ts";
import { createUNet, timestepEmbedding, type UNetInputs } from "./unet.ts";
import { sampleShape } from "./unet_config.ts";
import { uploadWeights, Weights } from "./weights.ts";

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
  /** Rows that the engine evaluates when it is asked for `rows` of them: as many, or some of padding more. */
  bucketOf(rows: number): number;
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

/**
 * Puts a model's weights on the engine.
 *
 * The network is compiled at the first call, once for any number of rows; where an engine compiles for each shape by
 * itself, for a few sizes of a batch, at the first call of each.
 *
 * @param options.bucket pads every call to so many rows, so that no bit can depend on how many were asked for; more are
 * refused
 */
export const createDenoiser = (
  { compilesFor, leastRows = 1, xla = false }: Engine,
  { unet: config, weights: stored }: Pipeline,
  { bucket }: { bucket?: number } = {},
): Denoiser => {
  const [height, width] = sampleShape(config);
  const { in_channels: channels, out_channels: outChannels, num_class_embeds: numClasses } = config;
  const unet = createUNet(config);
  const weights = new Weights(uploadWeights(stored));
  const size = config.block_out_channels[0];
  const network = compile((inputs: UNetInputs) => unet(inputs, weights), { xla, byRow: true });
  const embedding = { size, freqShift: config.freq_shift, flipSinToCos: config.flip_sin_to_cos };

  const rowsOf = (rows: number) => {
    if (bucket === undefined) return Math.max(leastRows, compilesFor === "each shape" ? bucketOf(rows) : rows);
    checkInteger("timesteps.length", rows, 1, bucket);
    return bucket;
  };

  return {
    height,
    width,
    channels,
    outChannels,
    numClasses,
    bucketOf: rowsOf,
    evaluate: (x, timesteps, labels) => {
      const n = timesteps.length;
      if ((labels === null) !== (numClasses === null)) {
        throw new TypeError(
          `labels must be ${numClasses === null ? "null" : "given"} for this model, received ${labels}`,
        );
      }
      if (x.length !== n * height * width * channels) {
        throw new RangeError(
          `x must hold ${n} images of ${height}×${width}×${channels}, ${n * height * width * channels} values, ` +
            `received ${x.length}`,
        );
      }
      const rows = rowsOf(n);
      const padded = (values: Float32Array, shape: number[]) =>
        tf.tensor(padTo(values, shape.reduce((product, n) => product * n)), shape);
      const out = readTensor(() =>
        network({
          x: padded(x, [rows, height, width, channels]) as tf.Tensor4D,
          timesteps: padded(timestepEmbedding(timesteps, embedding), [rows, size]) as tf.Tensor2D,
          classes: labels === null
            ? undefined
            : padded(oneHot(labels, numClasses!), [rows, numClasses!]) as tf.Tensor2D,
        })
      );
      return rows === n ? out : out.slice(0, n * height * width * outChannels);
    },
    dispose: () => {
      network.dispose();
      weights.dispose();
    },
  };
};
