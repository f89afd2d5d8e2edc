import * as tf from "@tensorflow/tfjs-core";

/**
 * The order in which the axes of a shape lie in memory, outermost first: [0, 3, 1, 2] is an image of shape [B, H, W, C]
 * with the channels outside. Plain is the order of the shape itself.
 */
export type Order = readonly number[];

/** Values of a tensor in this process's memory; a boolean is 0 or 1. */
export type HostValues = Float32Array | Int32Array | Uint8Array | BigInt64Array;

/** The order of a shape of so many axes itself. */
export const plainOrder = (rank: number): number[] => Array.from({ length: rank }, (_, i) => i);

/** Whether two lists have the same numbers. */
export const isSame = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((n, i) => n === b[i]);

/** The axes that have more than one element: where the others lie makes no difference. */
export const longAxes = (shape: readonly number[], order: readonly number[]): number[] =>
  order.filter((axis) => shape[axis] !== 1);

/** Copies values that lie in memory in one order of their axes into another. */
export const reorder = <T extends HostValues>(
  values: T,
  shape: readonly number[],
  from: readonly number[],
  to: readonly number[],
): T => {
  if (isSame(longAxes(shape, from), longAxes(shape, to))) return values;
  const dimensions = to.map((axis) => shape[axis]);
  // How far apart in `values` are two neighbours along each axis of the result.
  const strides = to.map((axis) =>
    tf.util.sizeFromShape(from.slice(from.indexOf(axis) + 1).map((inner) => shape[inner]))
  );
  const result = new (values.constructor as new (length: number) => T)(values.length);
  const rank = dimensions.length, inner = dimensions[rank - 1], stride = strides[rank - 1];
  const index = new Int32Array(rank);
  for (let at = 0, start = 0; at < result.length;) {
    for (let i = 0, source = start; i < inner; i++, source += stride) result[at++] = values[source];
    for (let axis = rank - 2; axis >= 0; axis--) {
      start += strides[axis];
      if (++index[axis] < dimensions[axis]) break;
      start -= strides[axis] * dimensions[axis];
      index[axis] = 0;
    }
  }
  return result;
};

/** What a backend has that takes values in the order in which they lie. */
interface TakesOrder {
  writeInOrder(values: HostValues, dtype: tf.DataType, order: Order): object;
}

/**
 * Makes a float32 tensor of values that lie in another order than that of its shape. A backend that computes in such
 * orders takes them as they are; for the others they are copied into the plain one.
 */
export const tensorInOrder = (values: Float32Array, shape: readonly number[], order: Order): tf.Tensor => {
  const backend = tf.backend() as unknown as Partial<TakesOrder>;
  if (backend.writeInOrder === undefined) {
    return tf.tensor(reorder(values, shape, order, plainOrder(shape.length)), [...shape]);
  }
  const dataId = backend.writeInOrder(values, "float32", order);
  return tf.engine().makeTensorFromTensorInfo({ dataId, shape: [...shape], dtype: "float32" });
};
