import { permutation } from "../core/noise.ts";
import type { Dataset } from "./dataset.ts";

/**
 * An endless order of `length` things, in which each epoch is a permutation of its own.
 *
 * The orders of the last epochs asked for are kept, since computing one for every step would cost more than the step's
 * data.
 */
const endlessOrder = (length: number, seed: number): (position: number) => number => {
  const orders = new Map<number, Uint32Array>();
  const orderOf = (epoch: number): Uint32Array => {
    const known = orders.get(epoch);
    if (known) return known;
    const order = permutation(length, { seed, epoch });
    if (orders.size >= 2) orders.delete(orders.keys().next().value!);
    orders.set(epoch, order);
    return order;
  };
  return (position) => orderOf(Math.floor(position / length))[position % length];
};

/** Each class's images, in turn: of every class in its own endless order. Classes without images are passed over. */
const classesInTurn = (labels: ArrayLike<number>, seed: number): (position: number) => number => {
  const members = new Map<number, number[]>();
  for (let i = 0; i < labels.length; i++) {
    const own = members.get(labels[i]);
    if (own) own.push(i);
    else members.set(labels[i], [i]);
  }
  const classOrders = [...members].sort(([a], [b]) => a - b).map(([, indices]) => ({
    indices,
    order: endlessOrder(indices.length, seed),
  }));
  return (position) => {
    const { indices, order } = classOrders[position % classOrders.length];
    return indices[order(Math.floor(position / classOrders.length))];
  };
};

/**
 * Which images a training step sees. A function of (seed, step) alone, so that resuming needs no state: step s takes
 * positions s·batchSize … of an endless order, in which each epoch is a permutation of the dataset of its own.
 *
 * @param options.length number of images in the dataset
 * @param options.labels the class of each image, where every class is to come as often as another: then the order takes
 * the classes in turn, and of each its images in permutations of their own
 * @throws {RangeError} if an argument is out of range
 */
export const createBatchOrder = (
  { length, batchSize, seed, labels }: {
    length: number;
    batchSize: number;
    seed: number;
    labels?: ArrayLike<number>;
  },
): (step: number) => Uint32Array => {
  if (!(Number.isInteger(length) && length >= 1)) {
    throw new RangeError(`length must be an integer ≥ 1, received ${length}`);
  }
  if (!(Number.isInteger(batchSize) && batchSize >= 1)) {
    throw new RangeError(`batchSize must be an integer ≥ 1, received ${batchSize}`);
  }
  if (labels !== undefined && labels.length !== length) {
    throw new RangeError(`labels must be ${length}, one an image, received ${labels.length}`);
  }
  const order = labels === undefined ? endlessOrder(length, seed) : classesInTurn(labels, seed);
  return (step) => {
    if (!(Number.isInteger(step) && step >= 0)) throw new RangeError(`step must be an integer ≥ 0, received ${step}`);
    return Uint32Array.from({ length: batchSize }, (_, i) => order(step * batchSize + i));
  };
};

/**
 * Gathers images and their classes.
 *
 * @returns `images`: flat NHWC in [−1, 1]; `labels`: the class of each, null where the dataset has none
 * @throws {RangeError} if an index lies outside the dataset
 */
export const batch = (
  dataset: Dataset,
  indices: ArrayLike<number>,
): { images: Float32Array<ArrayBuffer>; labels: Int32Array<ArrayBuffer> | null } => {
  const { count, height, width, channels, labels } = dataset;
  const size = height * width * channels;
  const values = new Float32Array(indices.length * size);
  const classes = labels ? new Int32Array(indices.length) : null;
  const image = new Uint8Array(size);
  for (let i = 0, at = 0; i < indices.length; i++) {
    const index = indices[i];
    if (!(Number.isInteger(index) && index >= 0 && index < count)) {
      throw new RangeError(`indices[${i}] must be an integer in [0, ${count - 1}], received ${index}`);
    }
    dataset.read(index, image);
    for (let k = 0; k < size; k++) values[at++] = image[k] / 127.5 - 1;
    if (classes) classes[i] = labels![index];
  }
  return { images: values, labels: classes };
};
