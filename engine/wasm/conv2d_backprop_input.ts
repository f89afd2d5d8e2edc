import * as tf from "@tensorflow/tfjs-core";
import { replaceKernel, tensor } from "../replace_kernel.ts";
import { convGeometry } from "./conv_geometry.ts";

/** Puts `stride − 1` zeros behind each row and each column of a [B, H, W, C] tensor. */
const dilate = (x: tf.Tensor4D, strideHeight: number, strideWidth: number): tf.Tensor4D => {
  const [batch, height, width, channels] = x.shape;
  const columns = strideWidth === 1
    ? x
    : tf.reshape(tf.concat([x, tf.zeros([batch, height, width, channels * (strideWidth - 1)])], 3), [
      batch,
      height,
      1,
      width * strideWidth * channels,
    ]);
  const row = width * strideWidth * channels;
  const rows = strideHeight === 1
    ? columns
    : tf.concat([tf.reshape(columns, [batch, height, 1, row]), tf.zeros([batch, height, strideHeight - 1, row])], 2);
  return tf.reshape(rows, [batch, height * strideHeight, width * strideWidth, channels]);
};

/**
 * Turns a [height, width, in, out] filter by 180°: its taps times the permutation that reverses them, which is exact.
 * The backend's `reverse` and `gather` go element by element and take 10 times as long.
 */
const turn = (filter: tf.Tensor4D): tf.Tensor4D => {
  const [height, width, inChannels, outChannels] = filter.shape;
  const taps = height * width;
  if (taps === 1) return filter;
  const reversal = new Float32Array(taps * taps);
  for (let i = 0; i < taps; i++) reversal[i * taps + taps - 1 - i] = 1;
  const byTap = tf.reshape(filter, [taps, inChannels * outChannels]) as tf.Tensor2D;
  return tf.reshape(tf.matMul(tf.tensor2d(reversal, [taps, taps]), byTap), filter.shape);
};

/**
 * Replaces the wasm backend's `Conv2DBackpropInput`, a scalar loop, by the forward convolution that it equals: dy,
 * dilated by the stride, by the filter turned by 180° with its channels swapped. 5 to 13 times as fast.
 */
export const registerConv2dBackpropInput = () =>
  replaceKernel("wasm", "Conv2DBackpropInput", (inputs, attrs) => {
    const dy = tensor(inputs.dy), filter = tensor(inputs.filter);
    const inputShape = attrs.inputShape as [number, number, number, number];
    const { strideHeight, strideWidth, padding } = convGeometry(inputShape, filter.shape, attrs);
    const [filterHeight, filterWidth] = filter.shape;
    const dilated = dilate(dy, strideHeight, strideWidth);
    const top = filterHeight - 1 - padding.top, left = filterWidth - 1 - padding.left;
    const bottom = inputShape[1] + filterHeight - 1 - top - dilated.shape[1];
    const right = inputShape[2] + filterWidth - 1 - left - dilated.shape[2];
    // Padding is negative where the forward pass padded by more than the filter reaches, or dilation overshot.
    const cut = Math.min(top, bottom, left, right) < 0
      ? tf.slice(dilated, [0, Math.max(0, -top), Math.max(0, -left), 0], [
        dilated.shape[0],
        dilated.shape[1] + Math.min(0, top) + Math.min(0, bottom),
        dilated.shape[2] + Math.min(0, left) + Math.min(0, right),
        dilated.shape[3],
      ])
      : dilated;
    return tf.conv2d(cut, tf.transpose(turn(filter), [0, 1, 3, 2]), 1, [
      [0, 0],
      [Math.max(0, top), Math.max(0, bottom)],
      [Math.max(0, left), Math.max(0, right)],
      [0, 0],
    ]);
  });
