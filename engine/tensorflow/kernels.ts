import * as tf from "@tensorflow/tfjs-core";
import { type Attribute, ATTRIBUTE_KINDS } from "./eager.ts";
import { DATA_TYPES } from "./host_tensor.ts";

const { TF_ATTR_INT, TF_ATTR_STRING, TF_ATTR_TYPE } = ATTRIBUTE_KINDS;

type Shape = [number, number, number, number];

interface Backend {
  executeSingleOutput(name: string, attributes: Attribute[], inputs: tf.TensorInfo[]): tf.TensorInfo;
}

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

const FLOAT: Attribute = { name: "T", type: TF_ATTR_TYPE, value: DATA_TYPES.TF_FLOAT };

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
const registerConv2d = (): void => {
  for (const kernelName of [tf.Conv2D, tf.FusedConv2D]) {
    const kernel = extended(tf.getKernel(kernelName, "tensorflow"));
    tf.unregisterKernel(kernelName, "tensorflow");
    tf.registerKernel(kernelName === tf.FusedConv2D ? withBias(kernel) : kernel);
  }
};

/** Whether TensorFlow would pad one side of an image by `before` and `after` if it were to keep its size. */
const isSame = (size: number, window: number, stride: number, before: number, after: number): boolean => {
  const total = Math.max(0, (Math.ceil(size / stride) - 1) * stride + window - size);
  return before === total >> 1 && after === total - (total >> 1);
};

/** oneDNN has these gradients for padding by name alone; with numbers they run 1.8 times as long. */
const paddingOf = (x: Shape, filter: Shape, { padInfo, strideHeight, strideWidth }: tf.backend_util.Conv2DInfo) => {
  const { type, top, bottom, left, right } = padInfo;
  if (type !== "NUMBER" && type !== "EXPLICIT") return type;
  const keepsSize = isSame(x[1], filter[0], strideHeight, top, bottom) &&
    isSame(x[2], filter[1], strideWidth, left, right);
  return keepsSize ? "SAME" : "EXPLICIT";
};

const attributesOf = (x: Shape, filter: Shape, attrs: tf.NamedAttrMap): Attribute[] => {
  if (attrs.dataFormat !== "NHWC") throw new RangeError(`dataFormat must be NHWC, received ${attrs.dataFormat}`);
  const info = tf.backend_util.computeConv2DInfo(
    x,
    filter,
    attrs.strides as number | [number, number],
    1,
    attrs.pad as "same" | "valid" | number | tf.backend_util.ExplicitPadding,
    attrs.dimRoundingMode as "floor" | undefined,
  );
  const { top, bottom, left, right } = info.padInfo;
  const type = paddingOf(x, filter, info);
  return [
    FLOAT,
    { name: "strides", type: TF_ATTR_INT, value: [1, info.strideHeight, info.strideWidth, 1] },
    { name: "padding", type: TF_ATTR_STRING, value: type },
    ...(type === "EXPLICIT"
      ? [{ name: "explicit_paddings", type: TF_ATTR_INT, value: [0, 0, top, bottom, left, right, 0, 0] }]
      : []),
  ];
};

type Kernel = (
  backend: Backend,
  inputs: Record<string, tf.TensorInfo>,
  attrs: tf.NamedAttrMap,
) => tf.TensorInfo;

const replaceTensorflowKernel = (kernelName: string, kernel: Kernel) => {
  tf.unregisterKernel(kernelName, "tensorflow");
  tf.registerKernel({
    kernelName,
    backendName: "tensorflow",
    kernelFunc: ({ backend, inputs, attrs }) =>
      kernel(backend as Backend, inputs as Record<string, tf.TensorInfo>, attrs!),
  });
};

const withSizes = (shape: Shape, use: (sizes: tf.Tensor) => tf.TensorInfo) => {
  const sizes = tf.tensor1d(shape, "int32");
  const result = use(sizes);
  sizes.dispose();
  return result;
};

/** Registers the gradients of a convolution for any padding: tfjs-node's own refuse one that is given in numbers. */
const registerConv2dBackprop = (): void => {
  replaceTensorflowKernel(tf.Conv2DBackpropInput, (backend, { dy, filter }, attrs) => {
    const shape = attrs.inputShape as Shape;
    const attributes = attributesOf(shape, filter.shape as Shape, attrs);
    return withSizes(
      shape,
      (sizes) => backend.executeSingleOutput("Conv2DBackpropInput", attributes, [sizes, filter, dy]),
    );
  });
  replaceTensorflowKernel(tf.Conv2DBackpropFilter, (backend, { x, dy }, attrs) => {
    const shape = attrs.filterShape as Shape;
    const attributes = attributesOf(x.shape as Shape, shape, attrs);
    return withSizes(
      shape,
      (sizes) => backend.executeSingleOutput("Conv2DBackpropFilter", attributes, [x, sizes, dy]),
    );
  });
};

/** Registers the convolutions and their gradients that take the place of tfjs-node's. */
export const registerConvolutions = (): void => {
  registerConv2d();
  registerConv2dBackprop();
};

/** Rows of a matrix that one kernel takes at a time; fewer than four that are left over are taken by others. */
const ROW_BLOCK = 6, LEAST_LEFT = 4;

/** Rows to add to a matrix so that none of its own are left over for a kernel of other bits. */
const missingRows = (rows: number): number => {
  const left = rows % ROW_BLOCK;
  return left === 0 ? 0 : Math.max(0, LEAST_LEFT - left);
};

/**
 * Registers tfjs-node's product of matrices with one result for a row of a matrix, however many it has, and for a pair of
 * matrices, whatever the batch; for processors that need it.
 *
 * Without AVX-512, oneDNN takes a few left-over rows by kernels that give other bits, and it shares out pairs evenly among
 * threads, of an odd number the middle one in two halves: so rows of zeros are added, and to such pairs one of zeros.
 */
export const registerBatchMatMul = (): void => {
  const { kernelFunc, ...config } = tf.getKernel(tf.BatchMatMul, "tensorflow");
  tf.unregisterKernel(tf.BatchMatMul, "tensorflow");
  /** The first `size` rows, or pairs, of the product of matrices to which something was added. */
  const firstOf = (size: number, args: Parameters<tf.KernelFunc>[0], a: tf.Tensor, b: tf.Tensor): tf.Tensor =>
    tf.slice(kernelFunc({ ...args, inputs: { a, b } }) as tf.Tensor, 0, size);
  tf.registerKernel({
    ...config,
    kernelFunc: (args) => {
      const { a, b } = args.inputs as Record<string, tf.Tensor>;
      const { transposeA, transposeB } = args.attrs as unknown as { transposeA: boolean; transposeB: boolean };
      const rows = a.shape.at(transposeA ? -1 : -2)!, columns = b.shape.at(transposeB ? -2 : -1)!;

      const missing = a.rank === 2 && b.rank === 2 && !transposeA ? missingRows(rows) : 0;
      if (missing > 0) {
        return tf.tidy(() => firstOf(rows, args, tf.pad(a, [[0, missing], [0, 0]]), b));
      }

      const outer = a.shape.slice(0, -2);
      const pairs = outer.reduce((product, size) => product * size, 1);
      if (pairs > 1 && pairs % 2 === 1 && String(outer) === String(b.shape.slice(0, -2))) {
        return tf.tidy(() => {
          const oneMore = (x: tf.Tensor) =>
            tf.pad(tf.reshape(x, [pairs, ...x.shape.slice(-2)]), [[0, 1], [0, 0], [0, 0]]);
          return tf.reshape(firstOf(pairs, args, oneMore(a), oneMore(b)), [...outer, rows, columns]);
        });
      }
      return kernelFunc(args);
    },
  });
};
