import * as tf from "@tensorflow/tfjs-core";

/**
 * Registers `kernel` for a backend in place of what it has under that name, which is handed to it.
 *
 * The kernel is written with tfjs's own operations; what it makes on the way is freed when it returns.
 */
export const replaceKernel = (
  backendName: string,
  kernelName: string,
  kernel: (inputs: tf.NamedTensorInfoMap, attrs: tf.NamedAttrMap, original: tf.KernelFunc) => tf.TensorInfo,
) => {
  const original = tf.getKernel(kernelName, backendName) as tf.KernelConfig | undefined;
  if (original) tf.unregisterKernel(kernelName, backendName);
  const missing = () => {
    throw new Error(`Cannot run ${kernelName}: the ${backendName} backend has no kernel of its own to build on`);
  };
  tf.registerKernel({
    kernelName,
    backendName,
    kernelFunc: ({ inputs, attrs }) =>
      tf.tidy(() => kernel(inputs, attrs ?? {}, original?.kernelFunc ?? missing) as tf.Tensor),
  });
};

/** The tensor behind what a kernel is given: tfjs hands tensors to kernels, typed as their plain description. */
export const asTensor = <R extends tf.Rank = tf.Rank.R4>(info: tf.TensorInfo | undefined): tf.Tensor<R> =>
  (info instanceof tf.Tensor ? info : tf.engine().makeTensorFromTensorInfo(info!)) as tf.Tensor<R>;
