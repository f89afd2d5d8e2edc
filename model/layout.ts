import type { StoredTensor } from "./safetensors.ts";

/** Copies `data`, taken as [a, b, c], into [c, b, a]: the one change that there is between the two layouts. */
const reverse = (data: Float32Array, [a, b, c]: readonly [number, number, number]): Float32Array<ArrayBuffer> => {
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
    return { shape: [i, o], data: reverse(tensor.data, [o, 1, i]) };
  }
  const [o, i, h, w] = tensor.shape;
  return { shape: [h, w, i, o], data: reverse(tensor.data, [o, i, h * w]) };
};

/** From the engine's layout to diffusers': HWIO → OIHW, [in, out] → [out, in]. */
export const toStoredLayout = (name: string, tensor: StoredTensor): StoredTensor => {
  if (!isReversed(name, tensor)) return tensor;
  if (tensor.shape.length === 2) {
    const [i, o] = tensor.shape;
    return { shape: [o, i], data: reverse(tensor.data, [i, 1, o]) };
  }
  const [h, w, i, o] = tensor.shape;
  return { shape: [o, i, h, w], data: reverse(tensor.data, [h * w, i, o]) };
};
