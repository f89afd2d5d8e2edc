import * as tf from "@tensorflow/tfjs-core";

const CHANNELS = 3;

/** Padding by one number as tfjs-node takes it, side by side. */
const eachSide = (pad: unknown) => typeof pad === "number" ? [[0, 0], [pad, pad], [pad, pad], [0, 0]] : pad;

/** A kernel that takes padding by a number, and gives x and its filter a second channel, of zeros, where x has one. */
const extended = ({ kernelFunc, ...config }: tf.KernelConfig): tf.KernelConfig => ({
  ...config,
  kernelFunc: (args) => {
    const { x, filter } = args.inputs as Record<string, tf.Tensor4D>;
    const attrs = { ...args.attrs, pad: eachSide(args.attrs!.pad) } as unknown as tf.NamedAttrMap;
    if (x.shape[CHANNELS] !== 1 || attrs.dataFormat !== "NHWC") return kernelFunc({ ...args, attrs });
    const inputs = {
      ...args.inputs,
      x: tf.pad(x, [[0, 0], [0, 0], [0, 0], [0, 1]]),
      filter: tf.pad(filter, [[0, 0], [0, 0], [0, 1], [0, 0]]),
    };
    const out = kernelFunc({ ...args, inputs, attrs });
    tf.dispose([inputs.x, inputs.filter]);
    return out;
  },
});

/**
 * Registers tfjs-node's convolutions with any padding, and with one result for a row, whatever the batch.
 *
 * Of images with one channel, oneDNN convolves one alone by another kernel than two or more, with other bits.
 */
export const registerConv2d = (): void => {
  for (const kernelName of [tf.Conv2D, tf.FusedConv2D]) {
    const original = tf.getKernel(kernelName, "tensorflow");
    tf.unregisterKernel(kernelName, "tensorflow");
    tf.registerKernel(extended(original));
  }
};
