import * as tf from "@tensorflow/tfjs-core";
import { ModelError } from "./error.ts";
import type { StoredTensor } from "./safetensors.ts";

/** Copies `data`, taken as [a, b, c], into [c, b, a]: the one change that there is between the two layouts. */
const reverseAxes = (data: Float32Array, [a, b, c]: readonly [number, number, number]): Float32Array<ArrayBuffer> => {
  const out = new Float32Array(data.length);
  for (let k = 0, to = 0; k < c; k++) {
    for (let j = 0; j < b; j++) {
      for (let i = 0, from = j * c + k; i < a; i++, from += b * c) out[to++] = data[from];
    }
  }
  return out;
};

/** Embeddings are looked up row by row, in both layouts alike. */
const isEmbedding = (name: string) => name.startsWith("class_embedding.");

const isReversed = (name: string, { shape }: StoredTensor): boolean =>
  shape.length === 4 || (shape.length === 2 && !isEmbedding(name));

/** From diffusers' layout to the engine's: OIHW → HWIO, [out, in] → [in, out]. */
export const toEngineLayout = (name: string, tensor: StoredTensor): StoredTensor => {
  if (!isReversed(name, tensor)) return tensor;
  if (tensor.shape.length === 2) {
    const [o, i] = tensor.shape;
    return { shape: [i, o], data: reverseAxes(tensor.data, [o, 1, i]) };
  }
  const [o, i, h, w] = tensor.shape;
  return { shape: [h, w, i, o], data: reverseAxes(tensor.data, [o, i, h * w]) };
};

/** From the engine's layout to diffusers': HWIO → OIHW, [in, out] → [out, in]. */
export const toStoredLayout = (name: string, tensor: StoredTensor): StoredTensor => {
  if (!isReversed(name, tensor)) return tensor;
  if (tensor.shape.length === 2) {
    const [i, o] = tensor.shape;
    return { shape: [o, i], data: reverseAxes(tensor.data, [i, 1, o]) };
  }
  const [h, w, i, o] = tensor.shape;
  return { shape: [o, i, h, w], data: reverseAxes(tensor.data, [h * w, i, o]) };
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
      const { shape, data } = toEngineLayout(name, stored);
      return [name, tf.tensor(data, [...shape])];
    }),
  );
