import * as tf from "@tensorflow/tfjs-core";
import { replaceKernel, tensor } from "../replace_kernel.ts";

/**
 * Replaces the WebGPU backend's `BatchMatMul`, which broadcasts a batch of one and no other, and sums the product of a
 * lone row in another order than those of several.
 */
export const registerBatchMatMul = () =>
  replaceKernel("webgpu", "BatchMatMul", (inputs, attrs, original) => {
    const operands = [tensor<tf.Rank>(inputs.a), tensor<tf.Rank>(inputs.b)];
    const [outerA, outerB] = operands.map(({ shape }) => shape.slice(0, -2));
    const outer = tf.broadcast_util.assertAndGetBroadcastShape(outerA, outerB);
    const pairs = tf.util.sizeFromShape(outer);
    const [a, b] = operands.map((x) => {
      const count = tf.util.sizeFromShape(x.shape.slice(0, -2));
      const shape = [...outer, ...x.shape.slice(-2)] as tf.Tensor["shape"];
      return count === 1 || count === pairs ? x : tf.broadcastTo(x, shape);
    });
    const multiply = (a: tf.Tensor) =>
      tensor<tf.Rank>(original({ inputs: { a, b }, attrs, backend: tf.backend() }) as tf.TensorInfo);

    const axis = a.rank - (attrs.transposeA ? 1 : 2);
    if (a.shape[axis] > 1) return multiply(a);
    const twice = multiply(tf.concat([a, a], axis));
    return tf.slice(twice, 0, [...twice.shape.slice(0, -2), 1, twice.shape[twice.rank - 1]]);
  });
