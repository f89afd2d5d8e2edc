/**
 * Models: the U-Net of diffusers, which is this file, and all that a pipeline's folder holds. Samplers are core's and
 * sampling's, the update of weights is training's.
 *
 * Read `pipeline.ts` first, which reads and writes the folder, then `denoiser.ts`: the network as a function of plain
 * arrays. `architecture.ts` derives layers and parameters from `unet_config.ts`, `weights.ts` and `safetensors.ts` have
 * the numbers, `hub/` downloads them.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs-core";
import { type Architecture, architectureOf, type Layer } from "./architecture.ts";
import { attention, conv, groupNorm, linear, residualBlock, silu, upsample } from "./layers.ts";
import type { UNetConfig } from "./unet_config.ts";
import type { Weights } from "./weights.ts";

/** How timesteps are embedded. */
export interface TimestepEmbedding {
  /** Width of the embedding. */
  readonly size: number;
  /** The frequencies run over size/2 − freqShift divisions: 1 in the paper's code, 0 elsewhere. */
  readonly freqShift: number;
  /** Cosines first. */
  readonly flipSinToCos: boolean;
}

/** The frequencies of sines and cosines, from 1 down to about 1/10000, in float32 steps. */
const frequenciesOf = (count: number, freqShift: number): Float32Array<ArrayBuffer> =>
  Float32Array.from({ length: count }, (_, i) => {
    const exponent = Math.fround(Math.fround(Math.fround(-Math.log(10000)) * i) / (count - freqShift));
    return Math.exp(exponent);
  });

/**
 * Sinusoidal embedding of timesteps (Ho et al. 2020, appendix B; the frequencies of Vaswani et al. 2017), computed in
 * float32 steps as diffusers does.
 *
 * @param timesteps n timesteps, each ≥ 0
 * @returns [n, size], row by row
 */
export const timestepEmbedding = (
  timesteps: ArrayLike<number>,
  { size, freqShift, flipSinToCos }: TimestepEmbedding,
): Float32Array<ArrayBuffer> => {
  const half = Math.floor(size / 2);
  const embedding = new Float32Array(timesteps.length * size);
  const sine = flipSinToCos ? half : 0, cosine = half - sine;
  for (const [i, frequency] of frequenciesOf(half, freqShift).entries()) {
    for (let row = 0; row < timesteps.length; row++) {
      const angle = Math.fround(timesteps[row] * frequency);
      embedding[row * size + sine + i] = Math.sin(angle);
      embedding[row * size + cosine + i] = Math.cos(angle);
    }
  }
  return embedding;
};

/**
 * The same on the engine, for whoever has the timesteps as a tensor.
 *
 * @param timesteps [B]
 * @returns [B, size]
 */
export const embedTimesteps = (
  timesteps: tf.Tensor1D,
  { size, freqShift, flipSinToCos }: TimestepEmbedding,
): tf.Tensor2D => {
  const half = Math.floor(size / 2);
  const angles = tf.mul(
    tf.reshape(tf.cast(timesteps, "float32"), [-1, 1]),
    frequenciesOf(half, freqShift),
  ) as tf.Tensor2D;
  const sine = tf.sin(angles), cosine = tf.cos(angles);
  const embedding = tf.concat(flipSinToCos ? [cosine, sine] : [sine, cosine], 1);
  return size === 2 * half ? embedding : tf.pad(embedding, [[0, 0], [0, 1]]);
};

/** What one evaluation of the network takes. */
export interface UNetInputs {
  /** x_t, [B, H, W, in_channels]. */
  readonly x: tf.Tensor4D;
  /** Sinusoidal embedding of the timesteps, [B, block_out_channels[0]]. */
  readonly timesteps: tf.Tensor2D;
  /** Classes, one-hot, [B, num_class_embeds], or by their indices, [B]; none for an unconditional network. */
  readonly classes?: tf.Tensor2D | tf.Tensor1D;
}

/** A function of the inputs and the weights, made for one configuration. */
export type UNet = (
  inputs: UNetInputs,
  weights: Weights,
  options?: { dropout?: (x: tf.Tensor4D) => tf.Tensor4D },
) => tf.Tensor4D;

/**
 * Builds ε_θ, the U-Net of the paper (Ho et al. 2020, appendix B) in the form of diffusers' `UNet2DModel`.
 *
 * @returns a function that returns [B, H, W, out_channels]
 */
export const createUNet = (config: UNetConfig, architecture: Architecture = architectureOf(config)): UNet => {
  const groups = config.norm_num_groups, eps = config.norm_eps;

  return ({ x, timesteps, classes }, weights, { dropout } = {}) => {
    const w = <R extends tf.Rank>(name: string) => weights.get<R>(name);
    const dense = (x: tf.Tensor2D, name: string) => linear(x, w(`${name}.weight`), w(`${name}.bias`));
    const convolve = (x: tf.Tensor4D, name: string, options: Parameters<typeof conv>[3]) =>
      conv(x, w(`${name}.weight`), w(`${name}.bias`), options);

    // Time and class embedding.
    let embedding = dense(silu(dense(timesteps, "time_embedding.linear_1")), "time_embedding.linear_2");
    if (classes) {
      const table = w<tf.Rank.R2>("class_embedding.weight");
      embedding = tf.add(embedding, classes.rank === 1 ? tf.gather(table, classes) : tf.matMul(classes, table));
    }
    const activated = silu(embedding);

    // A tidy each: at 256×256 what all layers make is more than the 2 GiB that wasm has.
    const layer = (h: tf.Tensor4D, at: Layer, { skip, rescale = 1 }: { skip?: tf.Tensor4D; rescale?: number } = {}) =>
      tf.tidy(() => {
        const x = skip ? tf.concat([h, skip], 3) : h;
        const timeScaleShift = config.resnet_time_scale_shift;
        const out = residualBlock(x, activated, weights, at.resnet, { groups, eps, timeScaleShift, dropout, rescale });
        if (at.attention === null) return out;
        const headDim = config.attention_head_dim ?? at.outChannels;
        return attention(out, weights, at.attention, { headDim, groups: at.attentionGroups, eps, rescale });
      });

    // In.
    const centred = config.center_input_sample ? tf.sub(tf.mul(x, 2), 1) as tf.Tensor4D : x;
    let h = convolve(centred, "conv_in", { padding: 1 });

    // Down.
    const skips = [h];
    const downPadding = config.downsample_padding === 0 ? { before: 0, after: 1 } : config.downsample_padding;
    for (const { layers, resample } of architecture.down) {
      for (const at of layers) skips.push(h = layer(h, at));
      if (resample) skips.push(h = convolve(h, resample, { strides: 2, padding: downPadding }));
    }

    // Middle.
    for (const at of architecture.mid) h = layer(h, at, { rescale: config.mid_block_scale_factor });

    // Up.
    for (const { layers, resample } of architecture.up) {
      for (const at of layers) h = layer(h, at, { skip: skips.pop()! });
      if (resample) h = convolve(upsample(h), resample, { padding: 1 });
    }

    // Out.
    h = silu(groupNorm(h, w("conv_norm_out.weight"), w("conv_norm_out.bias"), { groups, eps }));
    return convolve(h, "conv_out", { padding: 1 });
  };
};
