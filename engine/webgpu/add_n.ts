import * as tf from "@tensorflow/tfjs-core";
import { replaceKernel, tensor } from "../replace_kernel.ts";

/** Replaces the WebGPU backend's `AddN`, which asks for a binding a term, also where the device has no more than 8. */
export const registerAddN = () =>
  replaceKernel("webgpu", "AddN", (inputs, attrs, original) => {
    const { device } = tf.backend() as unknown as { device: GPUDevice };
    const most = device.limits.maxStorageBuffersPerShaderStage - 1;
    const add = (terms: tf.Tensor[]) =>
      terms.length === 1 ? terms[0] : tensor<tf.Rank>(
        original({
          inputs: terms as unknown as tf.NamedTensorInfoMap,
          attrs,
          backend: tf.backend(),
        }) as tf.TensorInfo,
      );
    let terms = Object.values(inputs).map((input) => tensor<tf.Rank>(input));
    if (terms.length === 1) return tf.clone(terms[0]);
    while (terms.length > 1) {
      terms = Array.from({ length: Math.ceil(terms.length / most) }, (_, i) =>
        add(terms.slice(i * most, (i + 1) * most)));
    }
    return terms[0];
  });
