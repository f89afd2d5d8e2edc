import type * as tf from "@tensorflow/tfjs-core";
import { plainOrder, reorder, tensorInOrder } from "../engine/order.ts";
import { ModelError } from "./error.ts";
import type { StoredTensor } from "./safetensors.ts";

/** The order of the engine's axes in what is stored, by their number: of HWIO in OIHW, and of [in, out] in [out, in]. */
const STORED_ORDERS: Readonly<Record<number, readonly number[]>> = { 2: [1, 0], 4: [3, 2, 0, 1] };

/** Embeddings are looked up row by row, in both layouts alike. */
const isEmbedding = (name: string) => name.startsWith("class_embedding.");

const storedOrder = (name: string, { length }: readonly number[]): readonly number[] =>
  isEmbedding(name) ? plainOrder(length) : STORED_ORDERS[length] ?? plainOrder(length);

/** The engine's shape of what is stored in one, and in which order its axes lie there. */
const inEngine = (name: string, stored: readonly number[]): { shape: number[]; order: readonly number[] } => {
  const order = storedOrder(name, stored);
  return { shape: stored.map((_, axis) => stored[order.indexOf(axis)]), order };
};

/** From diffusers' layout to the engine's: OIHW → HWIO, [out, in] → [in, out]. */
export const toEngineLayout = (name: string, { shape: stored, data }: StoredTensor): StoredTensor => {
  const { shape, order } = inEngine(name, stored);
  return { shape, data: reorder(data, shape, order, plainOrder(shape.length)) };
};

/** From the engine's layout to diffusers': HWIO → OIHW, [in, out] → [out, in]. */
export const toStoredLayout = (name: string, { shape, data }: StoredTensor): StoredTensor => {
  const order = storedOrder(name, shape);
  return { shape: order.map((axis) => shape[axis]), data: reorder(data, shape, plainOrder(shape.length), order) };
};

/**
 * A network's parameters on the engine, by diffusers' names, in the engine's layout: convolutions are HWIO, linear
 * layers [in, out].
 */
export class Weights {
  readonly #tensors: ReadonlyMap<string, tf.Tensor>;

  constructor(tensors: ReadonlyMap<string, tf.Tensor>) {
    this.#tensors = tensors;
  }

  has(name: string): boolean {
    return this.#tensors.has(name);
  }

  /** @throws {ModelError} if the model has no parameter of that name */
  get<R extends tf.Rank>(name: string): tf.Tensor<R> {
    const found = this.#tensors.get(name);
    if (!found) throw new ModelError(`Cannot run this U-Net: it has no parameter ${name}`);
    return found as tf.Tensor<R>;
  }

  /** Frees every tensor. */
  dispose(): void {
    for (const t of this.#tensors.values()) t.dispose();
  }
}

/** Uploads stored tensors in the engine's layout. */
export const uploadWeights = (tensors: ReadonlyMap<string, StoredTensor>): Map<string, tf.Tensor> =>
  new Map(
    Array.from(tensors, ([name, stored]) => {
      const { shape, order } = inEngine(name, stored.shape);
      return [name, tensorInOrder(stored.data, shape, order)];
    }),
  );
