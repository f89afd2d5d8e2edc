import * as tf from "@tensorflow/tfjs-core";
import { readTensor } from "../../engine/read_tensor.ts";

/** Values of one product that are held at a time: 64 MiB. */
const MAX_VALUES = 2 ** 24;

/** n rows of features. */
export interface FeatureRows {
  readonly data: Float32Array;
  readonly count: number;
  /** Features a row. */
  readonly size: number;
}

/** Some rows by their index. */
export const takeRows = ({ data, size }: FeatureRows, indices: ArrayLike<number>): FeatureRows => {
  const taken = new Float32Array(indices.length * size);
  for (let i = 0; i < indices.length; i++) {
    taken.set(data.subarray(indices[i] * size, (indices[i] + 1) * size), i * size);
  }
  return { data: taken, count: indices.length, size };
};

/**
 * Inner products of each row of `a` with every row of `b`, on the engine, some rows of `a` at a time.
 *
 * @param each gets the index of the first row, and the products, b.count a row
 * @throws the signal's reason, between two parts
 */
export const forEachProduct = async (
  a: FeatureRows,
  b: FeatureRows,
  each: (first: number, products: Float32Array) => void,
  { signal }: { signal?: AbortSignal } = {},
): Promise<void> => {
  const step = Math.max(1, Math.min(a.count, Math.floor(MAX_VALUES / b.count)));
  const right = tf.tensor2d(b.data, [b.count, b.size]);
  try {
    for (let first = 0; first < a.count; first += step) {
      await new Promise<void>((resume) => setTimeout(resume, 0));
      signal?.throwIfAborted();
      const rows = Math.min(step, a.count - first);
      const products = readTensor(() => {
        const left = tf.tensor2d(a.data.subarray(first * a.size, (first + rows) * a.size), [rows, a.size]);
        return tf.matMul(left, right, false, true);
      });
      each(first, products);
    }
  } finally {
    right.dispose();
  }
};
