import * as tf from "@tensorflow/tfjs-core";

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
