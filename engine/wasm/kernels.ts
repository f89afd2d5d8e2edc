import * as tf from "@tensorflow/tfjs-core";
import { asTensor, replaceKernel } from "../replace_kernel.ts";

/** Where a convolution's filter falls on its input. */
export interface ConvGeometry {
  readonly strideHeight: number;
  readonly strideWidth: number;
  /** Zeros around the input. */
  readonly padding: { readonly top: number; readonly bottom: number; readonly left: number; readonly right: number };
}

/**
 * Reads a convolution's geometry off what tfjs gives a gradient kernel.
 *
 * @param inputShape [B, H, W, in]
 * @param filterShape [height, width, in, out]
 */
const convGeometry = (
  inputShape: [number, number, number, number],
  filterShape: [number, number, number, number],
  { strides, pad, dimRoundingMode }: tf.NamedAttrMap,
): ConvGeometry => {
  const [strideHeight, strideWidth] = typeof strides === "number" ? [strides, strides] : strides as [number, number];
  const { padInfo } = tf.backend_util.computeConv2DInfo(
    inputShape,
    filterShape,
    [strideHeight, strideWidth],
    1,
    pad as "same",
    dimRoundingMode as "floor" | undefined,
  );
  return { strideHeight, strideWidth, padding: padInfo };
};

/**
 * Registers `Conv2DBackpropFilter`, which the wasm backend lacks, as a forward convolution.
 *
 * dW[i, j, c, o] = Σ_{b, p, q} x[b, s·p + i, s·q + j, c] · dy[b, p, q, o] is the convolution of x, with its channels
 * taken as the batch, by dy as a filter that is dilated by the stride s. XNNPACK runs it 4 to 10 times as fast as the
 * backend's transposed matMul.
 */
const registerConv2dBackpropFilter = () =>
  replaceKernel("wasm", "Conv2DBackpropFilter", (inputs, attrs) => {
    const x = asTensor(inputs.x), dy = asTensor(inputs.dy);
    const filterShape = attrs.filterShape as [number, number, number, number];
    const { strideHeight, strideWidth, padding } = convGeometry(x.shape, filterShape, attrs);
    const padded = padding.top + padding.bottom + padding.left + padding.right === 0
      ? x
      : tf.pad(x, [[0, 0], [padding.top, padding.bottom], [padding.left, padding.right], [0, 0]]);
    const gradient = tf.conv2d(
      tf.transpose(padded, [3, 1, 2, 0]),
      tf.transpose(dy, [1, 2, 0, 3]),
      1,
      "valid",
      "NHWC",
      [strideHeight, strideWidth],
    );
    // A stride that does not divide the input leaves rows that no output has seen.
    const [, height, width] = gradient.shape;
    const used = height === filterShape[0] && width === filterShape[1]
      ? gradient
      : tf.slice(gradient, [0, 0, 0, 0], [filterShape[2], filterShape[0], filterShape[1], filterShape[3]]);
    return tf.transpose(used, [1, 2, 0, 3]);
  });

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
const rotate180 = (filter: tf.Tensor4D): tf.Tensor4D => {
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
const registerConv2dBackpropInput = () =>
  replaceKernel("wasm", "Conv2DBackpropInput", (inputs, attrs) => {
    const dy = asTensor(inputs.dy), filter = asTensor(inputs.filter);
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
    return tf.conv2d(cut, tf.transpose(rotate180(filter), [0, 1, 3, 2]), 1, [
      [0, 0],
      [Math.max(0, top), Math.max(0, bottom)],
      [Math.max(0, left), Math.max(0, right)],
      [0, 0],
    ]);
  });

/** Multiplications in one pair of a batch from which a call of XNNPACK each is faster than the backend's own loop. */
const LARGE_PAIR = 1_000_000;

/**
 * Replaces the wasm backend's `BatchMatMul`, which reaches XNNPACK only for one untransposed pair of matrices.
 *
 * Two plain matrices always go to XNNPACK, transposed before where asked: 4 to 15 times as fast. In a batch of pairs,
 * large ones go there one by one, small ones to the backend's loop. Which way a pair goes depends on its own size and
 * never on the batch's, so that a row's bits do not depend on its neighbours.
 */
const registerBatchMatMul = () =>
  replaceKernel("wasm", "BatchMatMul", (inputs, attrs, original) => {
    const a = asTensor<tf.Rank>(inputs.a), b = asTensor<tf.Rank>(inputs.b);
    const multiply = (a: tf.Tensor3D, b: tf.Tensor3D, transposeA: boolean, transposeB: boolean) =>
      asTensor<tf.Rank.R3>(
        original({ inputs: { a, b }, attrs: { transposeA, transposeB }, backend: tf.backend() }) as tf.TensorInfo,
      );
    const outer = tf.broadcast_util.assertAndGetBroadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2));
    const pairs = tf.util.sizeFromShape(outer);
    const pages = (x: tf.Tensor) => {
      const page = x.shape.slice(-2) as [number, number];
      const count = tf.util.sizeFromShape(x.shape.slice(0, -2));
      const spread = count === 1 || count === pairs ? x : tf.broadcastTo(x, [...outer, ...page] as tf.Tensor["shape"]);
      return tf.reshape(spread, [-1, ...page]) as tf.Tensor3D;
    };
    const turn = (x: tf.Tensor3D) => tf.transpose(x, [0, 2, 1]);

    const left = pages(a), right = pages(b);
    const [rows, inner] = attrs.transposeA ? [left.shape[2], left.shape[1]] : left.shape.slice(1);
    const columns = attrs.transposeB ? right.shape[1] : right.shape[2];
    const shape = [...outer, rows, columns];

    const isBatch = a.rank > 2 || b.rank > 2;
    if (isBatch && rows * inner * columns < LARGE_PAIR) {
      // A transposed operand keeps the backend on its own loop, also for a batch of one.
      return tf.reshape(
        attrs.transposeA || attrs.transposeB
          ? multiply(left, right, Boolean(attrs.transposeA), Boolean(attrs.transposeB))
          : multiply(left, turn(right), false, true),
        shape,
      );
    }
    const plainLeft = attrs.transposeA ? turn(left) : left;
    const plainRight = attrs.transposeB ? turn(right) : right;
    const page = (x: tf.Tensor3D, i: number) =>
      x.shape[0] === 1 ? x : tf.slice(x, [i, 0, 0], [1, x.shape[1], x.shape[2]]);
    const products = Array.from(
      { length: pairs },
      (_, i) => multiply(page(plainLeft, i), page(plainRight, i), false, false),
    );
    return tf.reshape(products.length === 1 ? products[0] : tf.concat(products, 0), shape);
  });

/** Registers the kernels that the wasm backend lacks, or has only in a slow form. */
export const registerWasmKernels = (): void => {
  registerConv2dBackpropFilter();
  registerConv2dBackpropInput();
  registerBatchMatMul();
};
