import * as tf from "@tensorflow/tfjs-core";
import { runOwnKernel } from "../engine/own_kernels.ts";
import type { Weights } from "./weights.ts";

/** Linear layer: x·W + b over the last axis. `x` is [rows, in], `weight` [in, out], `bias` [out]. */
export const linear = (x: tf.Tensor2D, weight: tf.Tensor2D, bias: tf.Tensor1D): tf.Tensor2D =>
  tf.add(tf.matMul(x, weight), bias);

/** Pixels of zeros around an image: one number for all sides, or each side's own. */
type Padding = number | { before: number; after: number };

/**
 * 2D convolution with bias.
 *
 * @param x [B, H, W, in]
 * @param weight [height, width, in, out]
 * @param bias [out]
 */
export const conv = (
  x: tf.Tensor4D,
  weight: tf.Tensor4D,
  bias: tf.Tensor1D,
  { strides = 1, padding }: { strides?: number; padding: Padding },
): tf.Tensor4D => {
  const { before, after } = typeof padding === "number" ? { before: padding, after: padding } : padding;
  const side: [number, number] = [before, after];
  return tf.fused.conv2d({
    x,
    filter: weight,
    bias,
    strides,
    pad: before === 0 && after === 0 ? "valid" : [[0, 0], side, side, [0, 0]],
  });
};

const withGradient = tf.customGrad((x, save) => {
  const input = x as tf.Tensor;
  const gate = tf.sigmoid(input);
  const y = tf.mul(input, gate);
  (save as tf.GradSaveFunc)([gate, y]);
  return {
    value: y,
    // y' = s + y·(1 − s)
    gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
      const [gate, y] = saved;
      return tf.mul(dy, tf.add(gate, tf.sub(y, tf.mul(y, gate))));
    },
  };
});

/** SiLU, x · sigmoid(x) (also called swish), of any shape. */
export const silu = <T extends tf.Tensor>(x: T): T => withGradient(x) as T;

/** Sums or means over a [B, H, W, C] tensor's pixels and a group's channels, spread over the channels again. */
const overGroups = (channelMeans: tf.Tensor, groups: number): tf.Tensor => {
  const [batch, channels] = channelMeans.shape;
  const grouped = tf.mean(tf.reshape(channelMeans, [batch, groups, channels / groups]), 2, true);
  return tf.reshape(tf.tile(grouped, [1, 1, channels / groups]), [batch, channels]);
};

/**
 * Group normalization (Wu & He 2018) over a [B, H, W, C] tensor.
 *
 * Folded: the pixels are only read for means a channel; grouping happens on [B, C], and scaling is one multiplication
 * with a factor of shape [B, 1, 1, C]. The gradient folds the same way. The mean is subtracted before squaring: in
 * float32, E[x²] − E[x]² loses a variance that is small beside the mean (at 100 times the spread, to 1 in 1,000).
 *
 * @param x [B, H, W, C]
 * @param scale γ, [C]
 * @param shift β, [C]
 * @param options.groups number of groups, a divisor of C
 * @param options.eps added to the variance
 */
export const groupNorm = (
  x: tf.Tensor4D,
  scale: tf.Tensor1D,
  shift: tf.Tensor1D,
  { groups, eps }: { groups: number; eps: number },
): tf.Tensor4D => {
  const whole = runOwnKernel<tf.Tensor4D>("GroupNorm", { x, scale, shift }, { groups, eps });
  if (whole) return whole;
  const [batch, , , channels] = x.shape;
  const perChannel = (t: tf.Tensor) => tf.reshape(t, [batch, 1, 1, channels]);

  const normalize = tf.customGrad((...args) => {
    const [x, scale, shift, save] = args as unknown as [tf.Tensor4D, tf.Tensor1D, tf.Tensor1D, tf.GradSaveFunc];
    const centred = tf.sub(x, perChannel(overGroups(tf.mean(x, [1, 2]), groups)));
    const variance = overGroups(tf.mean(tf.square(centred), [1, 2]), groups);
    const inverse = tf.rsqrt(tf.add(variance, eps));
    const value = tf.add(tf.mul(centred, perChannel(tf.mul(inverse, scale))), shift);
    save([centred, scale, inverse]);
    return {
      value,
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const [centred, scale, inverse] = saved;
        const pixels = centred.shape[1]! * centred.shape[2]!;
        const sumDy = tf.sum(dy, [1, 2]);
        // Σ dy·x̂ over a channel's pixels, with x̂ = (x − mean)·inverse.
        const sumDyNormalized = tf.mul(tf.sum(tf.mul(dy, centred), [1, 2]), inverse);
        const a = overGroups(tf.mul(sumDy, scale), groups);
        const b = overGroups(tf.mul(sumDyNormalized, scale), groups);
        // dx = inverse·(γ·dy − (a + b·x̂)/pixels), gathered into a factor of dy, one of x − mean and a constant.
        const ofCentred = tf.div(tf.neg(tf.mul(tf.square(inverse), b)), pixels);
        const constant = tf.div(tf.neg(tf.mul(inverse, a)), pixels);
        const dx = tf.add(
          tf.add(tf.mul(dy, perChannel(tf.mul(inverse, scale))), tf.mul(centred, perChannel(ofCentred))),
          perChannel(constant),
        );
        return [dx, tf.sum(sumDyNormalized, 0), tf.sum(sumDy, 0)];
      },
    };
  });
  return normalize(x, scale, shift) as tf.Tensor4D;
};

/** Doubles height and width, each pixel repeated 2×2 (nearest neighbour). [B, H, W, C] → [B, 2H, 2W, C]. */
export const upsample = (x: tf.Tensor4D): tf.Tensor4D => {
  const whole = runOwnKernel<tf.Tensor4D>("UpsampleNearest", { x });
  if (whole) return whole;
  const [batch, height, width, channels] = x.shape;
  const row = 2 * width * channels;
  const wide = tf.reshape(tf.concat([x, x], 3), [batch, height, 1, row]);
  return tf.reshape(tf.concat([wide, wide], 2), [batch, 2 * height, 2 * width, channels]);
};

/**
 * Self-attention over an image's pixels with a residual connection (diffusers' `Attention` as its U-Nets use it).
 *
 * @param x [B, H, W, C]
 * @param options.headDim channels a head, a divisor of C
 * @param options.groups groups of the norm in front; `null`: none
 * @param options.rescale the sum with the input is divided by it
 */
export const attention = (
  x: tf.Tensor4D,
  weights: Weights,
  name: string,
  { headDim, groups, eps, rescale = 1 }: { headDim: number; groups: number | null; eps: number; rescale?: number },
): tf.Tensor4D => {
  const [batch, height, width, channels] = x.shape;
  const pixels = height * width, heads = channels / headDim;
  const w = <R extends tf.Rank>(part: string) => weights.get<R>(`${name}.${part}`);

  const normed = groups === null ? x : groupNorm(x, w("group_norm.weight"), w("group_norm.bias"), { groups, eps });
  const rows = tf.reshape(normed, [batch * pixels, channels]) as tf.Tensor2D;
  const project = (part: string, input: tf.Tensor2D) => linear(input, w(`${part}.weight`), w(`${part}.bias`));
  const split = (part: string): tf.Tensor3D => {
    const projected = project(part, rows);
    if (heads === 1) return tf.reshape(projected, [batch, pixels, channels]);
    const byHead = tf.transpose(tf.reshape(projected, [batch, pixels, heads, headDim]), [0, 2, 1, 3]);
    return tf.reshape(byHead, [batch * heads, pixels, headDim]);
  };

  const query = tf.mul(split("to_q"), 1 / Math.sqrt(headDim)) as tf.Tensor3D;
  const scores = tf.matMul(query, split("to_k"), false, true);
  const mixed = tf.matMul(tf.softmax(scores) as tf.Tensor3D, split("to_v"));
  const merged = heads === 1 ? mixed : tf.transpose(tf.reshape(mixed, [batch, heads, pixels, headDim]), [0, 2, 1, 3]);
  const out = project("to_out.0", tf.reshape(merged, [batch * pixels, channels]));
  const sum = tf.add(tf.reshape(out, x.shape), x) as tf.Tensor4D;
  return rescale === 1 ? sum : tf.div(sum, rescale);
};

/** How a residual block runs. */
export interface ResidualBlockOptions {
  readonly groups: number;
  readonly eps: number;
  /** `scale_shift`: the time embedding scales and shifts what the second norm returns, instead of being added. */
  readonly timeScaleShift: "default" | "scale_shift";
  /** Applied before the second convolution; identity when serving. */
  readonly dropout?: (x: tf.Tensor4D) => tf.Tensor4D;
  /** The sum with the input is divided by it. */
  readonly rescale?: number;
}

/**
 * The residual block of the paper's U-Net (Ho et al. 2020, appendix B): norm, SiLU, conv; the time embedding joins;
 * norm, SiLU, dropout, conv; plus the input, through a 1×1 convolution where the channels change.
 *
 * @param x [B, H, W, in]
 * @param activatedEmbedding SiLU of the time (and class) embedding, [B, E]
 */
export const residualBlock = (
  x: tf.Tensor4D,
  activatedEmbedding: tf.Tensor2D,
  weights: Weights,
  name: string,
  { groups, eps, timeScaleShift, dropout = (x) => x, rescale = 1 }: ResidualBlockOptions,
): tf.Tensor4D => {
  const w = <R extends tf.Rank>(part: string) => weights.get<R>(`${name}.${part}`);
  const norm = (x: tf.Tensor4D, part: string) => groupNorm(x, w(`${part}.weight`), w(`${part}.bias`), { groups, eps });
  const convolve = (x: tf.Tensor4D, part: string, padding: number) =>
    conv(x, w(`${part}.weight`), w(`${part}.bias`), { padding });

  const embedding = linear(activatedEmbedding, w("time_emb_proj.weight"), w("time_emb_proj.bias"));
  const perPixel = tf.reshape(embedding, [embedding.shape[0], 1, 1, embedding.shape[1]]);

  let h = convolve(silu(norm(x, "norm1")), "conv1", 1);
  if (timeScaleShift === "default") {
    h = norm(tf.add(h, perPixel), "norm2");
  } else {
    const [scale, shift] = tf.split(perPixel, 2, 3);
    h = tf.add(tf.mul(norm(h, "norm2"), tf.add(scale, 1)), shift);
  }
  h = convolve(dropout(silu(h)), "conv2", 1);

  const shortcut = weights.has(`${name}.conv_shortcut.weight`) ? convolve(x, "conv_shortcut", 0) : x;
  const sum = tf.add(shortcut, h) as tf.Tensor4D;
  return rescale === 1 ? sum : tf.div(sum, rescale);
};
