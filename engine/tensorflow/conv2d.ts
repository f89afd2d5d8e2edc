import * as tf from "@tensorflow/tfjs-core";
import { type Attribute, ATTRIBUTE_KINDS } from "./attributes.ts";
import { DATA_TYPES } from "./data_types.ts";

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

interface Backend {
  executeSingleOutput(name: string, attributes: Attribute[], inputs: tf.TensorInfo[]): tf.TensorInfo;
}

const FLOAT: Attribute = { name: "T", type: ATTRIBUTE_KINDS.TF_ATTR_TYPE, value: DATA_TYPES.TF_FLOAT };

/** Adds the bias by the operation made for it: tfjs-node broadcasts with Add, which takes longer. */
const withBias = ({ kernelFunc, ...config }: tf.KernelConfig): tf.KernelConfig => ({
  ...config,
  kernelFunc: (args) => {
    const { bias, ...inputs } = args.inputs as Record<string, tf.TensorInfo>;
    if (bias?.shape.length !== 1 || args.attrs!.activation !== "linear") return kernelFunc(args);
    const out = kernelFunc({ ...args, inputs }) as tf.Tensor;
    const biased = (args.backend as Backend).executeSingleOutput("BiasAdd", [FLOAT], [out, bias]);
    out.dispose();
    return biased;
  },
});

/**
 * Registers tfjs-node's convolutions with any padding, and with one result for a row, whatever the batch.
 *
 * Of images with one channel, oneDNN convolves one alone by another kernel than two or more, with other bits.
 */
export const registerConv2d = (): void => {
  for (const kernelName of [tf.Conv2D, tf.FusedConv2D]) {
    const kernel = extended(tf.getKernel(kernelName, "tensorflow"));
    tf.unregisterKernel(kernelName, "tensorflow");
    tf.registerKernel(kernelName === tf.FusedConv2D ? withBias(kernel) : kernel);
  }
};
