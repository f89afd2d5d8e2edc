import * as tf from "@tensorflow/tfjs-core";
import { asTensor, replaceKernel } from "../replace_kernel.ts";

/**
 * Replaces the WebGPU backend's `BatchMatMul`, which broadcasts a batch of one and no other, and sums the product of a
 * lone row in another order than those of several.
 */
const replaceBatchMatMul = () =>
  replaceKernel("webgpu", "BatchMatMul", (inputs, attrs, original) => {
    const operands = [asTensor<tf.Rank>(inputs.a), asTensor<tf.Rank>(inputs.b)];
    const [outerA, outerB] = operands.map(({ shape }) => shape.slice(0, -2));
    const outer = tf.broadcast_util.assertAndGetBroadcastShape(outerA, outerB);
    const pairs = tf.util.sizeFromShape(outer);
    const [a, b] = operands.map((x) => {
      const count = tf.util.sizeFromShape(x.shape.slice(0, -2));
      const shape = [...outer, ...x.shape.slice(-2)] as tf.Tensor["shape"];
      return count === 1 || count === pairs ? x : tf.broadcastTo(x, shape);
    });
    const multiply = (a: tf.Tensor) =>
      asTensor<tf.Rank>(original({ inputs: { a, b }, attrs, backend: tf.backend() }) as tf.TensorInfo);

    const axis = a.rank - (attrs.transposeA ? 1 : 2);
    if (a.shape[axis] > 1) return multiply(a);
    const twice = multiply(tf.concat([a, a], axis));
    return tf.slice(twice, 0, [...twice.shape.slice(0, -2), 1, twice.shape[twice.rank - 1]]);
  });

/** Replaces the WebGPU backend's `AddN`, which asks for a binding a term, also where the device has no more than 8. */
const replaceAddN = () =>
  replaceKernel("webgpu", "AddN", (inputs, attrs, original) => {
    const { device } = tf.backend() as unknown as { device: GPUDevice };
    const most = device.limits.maxStorageBuffersPerShaderStage - 1;
    const add = (terms: tf.Tensor[]) =>
      terms.length === 1 ? terms[0] : asTensor<tf.Rank>(
        original({
          inputs: terms as unknown as tf.NamedTensorInfoMap,
          attrs,
          backend: tf.backend(),
        }) as tf.TensorInfo,
      );
    let terms = Object.values(inputs).map((input) => asTensor<tf.Rank>(input));
    if (terms.length === 1) return tf.clone(terms[0]);
    while (terms.length > 1) {
      terms = Array.from({ length: Math.ceil(terms.length / most) }, (_, i) =>
        add(terms.slice(i * most, (i + 1) * most)));
    }
    return terms[0];
  });

let prepared = false;

/** Mends the kernels of tfjs's WebGPU backend, and has them give a row the same bits in every batch. */
export const prepareKernels = (): void => {
  if (prepared) return;
  prepared = true;
  // tfjs registers a backend of its own, on whatever adapter comes first.
  tf.removeBackend("webgpu");
  // Kernels of small inputs would run on the processor until those are uploaded.
  tf.env().set("WEBGPU_CPU_FORWARD", false);
  // Products of few tiles would be summed in other orders, and in none that is fixed where there are atomic sums.
  tf.env().set("WEBGPU_THRESHOLD_TO_INCREASE_WORKGROUPS_FOR_MATMUL", Number.MIN_VALUE);
  replaceAddN();
  replaceBatchMatMul();
};
