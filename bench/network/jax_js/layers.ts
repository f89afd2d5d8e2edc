import { numpy as np } from "@jax-js/jax";

/** Zeros before and after an axis. */
export type Padding = [before: number, after: number];

const take = (x: np.Array, axis: number, index: [number, number] | number): np.Array =>
  x.slice(...x.shape.map((_, i) => i === axis ? index : [] as []));

/** Each place of an axis with its neighbours beside it in the channels: [.., n, .., C] → [.., n / stride, .., 3C]. */
const neighbours = (x: np.Array, axis: number, stride: number, [before, after]: Padding): np.Array => {
  const steps = Math.floor((x.shape[axis] + before + after - 3) / stride) + 1;
  const padded = np.pad(x, { [axis]: [before, after + stride - 1] });
  const taps = [0, 1, 2].map((first) => {
    const run = take(padded.ref, axis, [first, first + steps * stride]);
    return stride === 1 ? run : take(run.reshape(run.shape.toSpliced(axis, 1, steps, stride)), axis + 1, 0);
  });
  padded.dispose();
  return np.concatenate(taps, 3);
};

/**
 * What a 3×3 convolution reads at each place, to be multiplied by a matrix: [B, H, W, C] → [B, H / stride, W / stride,
 * 9C]. jax-js's own `lax.convGeneralDilated` takes several times as long; bench/README.md has the figures.
 */
export const patches = (x: np.Array, stride: number, padding: Padding): np.Array =>
  neighbours(neighbours(x, 2, stride, padding), 1, stride, padding);

/** Group normalization of [B, H, W, C]; model/layers.ts has its reasons. */
export const groupNorm = (x: np.Array, scale: np.Array, shift: np.Array, groups: number, eps: number): np.Array => {
  const [batch, height, width, channels] = x.shape;
  const ofGroups = (means: np.Array) => {
    const grouped = np.mean(means.reshape([batch, groups, channels / groups]), 2, { keepdims: true });
    return np.repeat(grouped, channels / groups, 2).reshape([batch, 1, channels]);
  };
  const pixels = x.reshape([batch, height * width, channels]);
  const centred = pixels.ref.sub(ofGroups(np.mean(pixels, 1)));
  const variance = ofGroups(np.mean(np.square(centred.ref), 1));
  const factor = np.reciprocal(np.sqrt(variance.add(eps))).mul(scale);
  return centred.mul(factor).add(shift).reshape([batch, height, width, channels]);
};
