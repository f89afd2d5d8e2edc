/**
 * Gradients of tfjs's operations, for those that the U-Net and its loss are written with.
 *
 * tfjs registers its gradients only with the `@tensorflow/tfjs` bundle, 220 MB of layers, converters and WebGL, or by
 * modules that only a bundler resolves. These are the few we need, written without the full-size temporaries of tfjs's
 * own (a sum's gradient is broadcast, not multiplied by ones).
 */
import * as tf from "@tensorflow/tfjs-core";

/** Sums `dy` over the axes along which an operand of `shape` was broadcast to dy's shape. */
const unbroadcast = (dy: tf.Tensor, shape: number[]): tf.Tensor => {
  const axes = tf.broadcast_util.getReductionAxes(shape, dy.shape);
  return axes.length === 0 ? tf.reshape(dy, shape) : tf.reshape(tf.sum(dy, axes), shape);
};

/** `dy` of a reduction, given back to every element that was reduced. */
const spread = (dy: tf.Tensor, shape: number[], axis: number | number[] | undefined): tf.Tensor => {
  const axes = tf.util.parseAxisParam(axis!, shape);
  const expanded = tf.reshape(dy, shape.map((n, i) => axes.includes(i) ? 1 : n));
  return tf.broadcastTo(expanded, shape);
};

const elementsReduced = (shape: number[], axis: number | number[] | undefined): number =>
  tf.util.sizeFromShape(tf.util.parseAxisParam(axis!, shape).map((i) => shape[i]));

type Attributes = Record<string, unknown>;

const gradients: tf.GradConfig[] = [
  {
    kernelName: tf.Add,
    inputsToSave: ["a", "b"],
    gradFunc: (dy, [a, b]) => ({
      a: () => unbroadcast(dy as tf.Tensor, a.shape),
      b: () => unbroadcast(dy as tf.Tensor, b.shape),
    }),
  },
  {
    kernelName: tf.Sub,
    inputsToSave: ["a", "b"],
    gradFunc: (dy, [a, b]) => ({
      a: () => unbroadcast(dy as tf.Tensor, a.shape),
      b: () => tf.neg(unbroadcast(dy as tf.Tensor, b.shape)),
    }),
  },
  {
    kernelName: tf.Multiply,
    inputsToSave: ["a", "b"],
    gradFunc: (dy, [a, b]) => ({
      a: () => unbroadcast(tf.mul(dy as tf.Tensor, b), a.shape),
      b: () => unbroadcast(tf.mul(dy as tf.Tensor, a), b.shape),
    }),
  },
  {
    kernelName: tf.RealDiv,
    inputsToSave: ["a", "b"],
    gradFunc: (dy, [a, b]) => ({
      a: () => unbroadcast(tf.div(dy as tf.Tensor, b), a.shape),
      b: () => tf.neg(unbroadcast(tf.div(tf.mul(dy as tf.Tensor, a), tf.square(b)), b.shape)),
    }),
  },
  {
    kernelName: tf.Square,
    inputsToSave: ["x"],
    gradFunc: (dy, [x]) => ({ x: () => tf.mul(dy as tf.Tensor, tf.mul(x, 2)) }),
  },
  {
    kernelName: tf.Exp,
    outputsToSave: [true],
    gradFunc: (dy, [y]) => ({ x: () => tf.mul(dy as tf.Tensor, y) }),
  },
  {
    kernelName: tf.Log,
    inputsToSave: ["x"],
    gradFunc: (dy, [x]) => ({ x: () => tf.div(dy as tf.Tensor, x) }),
  },
  {
    kernelName: tf.Erf,
    inputsToSave: ["x"],
    gradFunc: (dy, [x]) => ({
      x: () => tf.mul(dy as tf.Tensor, tf.mul(tf.exp(tf.neg(tf.square(x))), 2 / Math.sqrt(Math.PI))),
    }),
  },
  {
    kernelName: tf.Maximum,
    inputsToSave: ["a", "b"],
    gradFunc: (dy, [a, b]) => ({
      a: () => unbroadcast(tf.mul(dy as tf.Tensor, tf.cast(tf.greaterEqual(a, b), "float32")), a.shape),
      b: () => unbroadcast(tf.mul(dy as tf.Tensor, tf.cast(tf.less(a, b), "float32")), b.shape),
    }),
  },
  {
    kernelName: tf.Sum,
    inputsToSave: ["x"],
    gradFunc: (dy, [x], attrs) => ({
      x: () => spread(dy as tf.Tensor, x.shape, (attrs as Attributes).axis as number[]),
    }),
  },
  {
    kernelName: tf.Mean,
    inputsToSave: ["x"],
    gradFunc: (dy, [x], attrs) => {
      const axis = (attrs as Attributes).axis as number[];
      return { x: () => spread(tf.div(dy as tf.Tensor, elementsReduced(x.shape, axis)), x.shape, axis) };
    },
  },
  {
    kernelName: tf.Identity,
    gradFunc: (dy) => ({ x: () => tf.clone(dy as tf.Tensor) }),
  },
  {
    kernelName: tf.Reshape,
    inputsToSave: ["x"],
    gradFunc: (dy, [x]) => ({ x: () => tf.reshape(dy as tf.Tensor, x.shape) }),
  },
  {
    kernelName: tf.Transpose,
    gradFunc: (dy, _saved, attrs) => {
      const perm = (attrs as Attributes).perm as number[];
      return { x: () => tf.transpose(dy as tf.Tensor, tf.backend_util.getUndoAxesPermutation(perm)) };
    },
  },
  {
    kernelName: tf.Concat,
    saveAllInputs: true,
    gradFunc: (dy, saved, attrs) => {
      const axis = tf.util.parseAxisParam((attrs as Attributes).axis as number, saved[0].shape)[0];
      const parts = tf.split(dy as tf.Tensor, saved.map((t) => t.shape[axis]), axis);
      return Object.fromEntries(parts.map((part, i) => [i, () => part]));
    },
  },
  {
    kernelName: tf.SplitV,
    gradFunc: (dy, _saved, attrs) => ({ x: () => tf.concat(dy as tf.Tensor[], (attrs as Attributes).axis as number) }),
  },
  {
    kernelName: tf.Softmax,
    outputsToSave: [true],
    gradFunc: (dy, [y], attrs) => {
      const weighted = tf.mul(dy as tf.Tensor, y);
      return { logits: () => tf.sub(weighted, tf.mul(tf.sum(weighted, (attrs as Attributes).dim as number, true), y)) };
    },
  },
  {
    kernelName: tf.BatchMatMul,
    inputsToSave: ["a", "b"],
    gradFunc: (dyOrList, [a, b], attrs) => {
      const dy = dyOrList as tf.Tensor;
      const { transposeA, transposeB } = attrs as unknown as { transposeA: boolean; transposeB: boolean };
      return {
        a: () =>
          unbroadcast(transposeA ? tf.matMul(b, dy, transposeB, true) : tf.matMul(dy, b, false, !transposeB), a.shape),
        b: () =>
          unbroadcast(transposeB ? tf.matMul(dy, a, true, transposeA) : tf.matMul(a, dy, !transposeA, false), b.shape),
      };
    },
  },
];

/** Makes tfjs's `grad` functions use these, on every engine. */
export const registerGradients = (): void => {
  for (const gradient of gradients) tf.registerGradient(gradient);
};
