import * as tf from "@tensorflow/tfjs-core";

const CHANNELS = 3;

/** A kernel that gives x and its filter a second channel, of zeros, where x has one. */
const withTwoChannels = ({ kernelFunc, ...config }: tf.KernelConfig): tf.KernelConfig => ({
  ...config,
  kernelFunc: (args) => {
    const { x, filter } = args.inputs as Record<string, tf.Tensor4D>;
    if (x.shape[CHANNELS] !== 1 || args.attrs!.dataFormat !== "NHWC") return kernelFunc(args);
    const inputs = {
      ...args.inputs,
      x: tf.pad(x, [[0, 0], [0, 0], [0, 0], [0, 1]]),
      filter: tf.pad(filter, [[0, 0], [0, 0], [0, 1], [0, 0]]),
    };
    const out = kernelFunc({ ...args, inputs });
    tf.dispose([inputs.x, inputs.filter]);
    return out;
  },
});

/**
 * Keeps TensorFlow's convolutions to one result for a row, whatever the batch.
 *
 * Of images with one channel, oneDNN convolves one alone by another kernel than two or more, with other bits.
 */
export const registerConv2d = (): void => {
  for (const kernelName of [tf.Conv2D, tf.FusedConv2D]) {
    const original = tf.getKernel(kernelName, "tensorflow");
    tf.unregisterKernel(kernelName, "tensorflow");
    tf.registerKernel(withTwoChannels(original));
  }
};
