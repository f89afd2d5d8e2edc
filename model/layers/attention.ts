import * as tf from "@tensorflow/tfjs-core";
import type { Weights } from "../weights.ts";
import { groupNorm } from "./group_norm.ts";
import { linear } from "./linear.ts";

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
