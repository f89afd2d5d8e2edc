import * as tf from "@tensorflow/tfjs-core";
import type { Weights } from "../weights.ts";
import { conv } from "./conv.ts";
import { groupNorm } from "./group_norm.ts";
import { linear } from "./linear.ts";
import { silu } from "./silu.ts";

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
