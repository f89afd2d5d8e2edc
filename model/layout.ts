import type { StoredTensor } from "./safetensors.ts";

/** Copies `data` of `shape` with its axes in the order `axes`. */
const permute = ({ shape, data }: StoredTensor, axes: readonly number[]): StoredTensor => {
  const strides = shape.map((_, i) => shape.slice(i + 1).reduce((product, n) => product * n, 1));
  const newShape = axes.map((axis) => shape[axis]);
  const out = new Float32Array(data.length);
  const index = new Array(axes.length).fill(0);
  for (let i = 0; i < out.length; i++) {
    let from = 0;
    for (let k = 0; k < axes.length; k++) from += index[k] * strides[axes[k]];
    out[i] = data[from];
    for (let k = axes.length - 1; k >= 0 && ++index[k] === newShape[k]; k--) index[k] = 0;
  }
  return { shape: newShape, data: out };
};

/** Embeddings are looked up row by row, in both layouts alike. */
const isEmbedding = (name: string) => name.startsWith("class_embedding.");

/** From diffusers' layout to the engine's: OIHW → HWIO, [out, in] → [in, out]. */
export const toEngineLayout = (name: string, tensor: StoredTensor): StoredTensor => {
  if (tensor.shape.length === 4) return permute(tensor, [2, 3, 1, 0]);
  return tensor.shape.length === 2 && !isEmbedding(name) ? permute(tensor, [1, 0]) : tensor;
};

/** From the engine's layout to diffusers': HWIO → OIHW, [in, out] → [out, in]. */
export const toStoredLayout = (name: string, tensor: StoredTensor): StoredTensor => {
  if (tensor.shape.length === 4) return permute(tensor, [3, 2, 0, 1]);
  return tensor.shape.length === 2 && !isEmbedding(name) ? permute(tensor, [1, 0]) : tensor;
};
