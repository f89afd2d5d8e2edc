import * as tf from "@tensorflow/tfjs-core";
import { replaceKernel, tensor } from "../replace_kernel.ts";

/** Multiplications in one pair of a batch from which a call of XNNPACK each is faster than the backend's own loop. */
const LARGE_PAIR = 1_000_000;

/**
 * Replaces the wasm backend's `BatchMatMul`, which reaches XNNPACK only for one untransposed pair of matrices.
 *
 * Two plain matrices always go to XNNPACK, transposed before where asked: 4 to 15 times as fast. In a batch of pairs,
 * large ones go there one by one, small ones to the backend's loop. Which way a pair goes depends on its own size and
 * never on the batch's, so that a row's bits do not depend on its neighbours.
 */
export const registerBatchMatMul = () =>
  replaceKernel("wasm", "BatchMatMul", (inputs, attrs, original) => {
    const a = tensor<tf.Rank>(inputs.a), b = tensor<tf.Rank>(inputs.b);
    const multiply = (a: tf.Tensor3D, b: tf.Tensor3D, transposeA: boolean, transposeB: boolean) =>
      tensor<tf.Rank.R3>(
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
