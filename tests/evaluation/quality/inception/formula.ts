import { inceptionTensors } from "../../../../evaluation/quality/inception/architecture.ts";
import type { StoredTensor } from "../../../../model/safetensors.ts";

/** A 32-bit number of each place in a stream: MurmurHash3's finalizer, as in tests/fixtures/evaluation/inception.py. */
const mixed = (stream: number, place: number): number => {
  let h = place + Math.imul(stream, 0x9e3779b9) | 0;
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
};

const values = (stream: number, length: number, low: number, high: number): Float32Array<ArrayBuffer> => {
  const out = new Float32Array(length);
  for (let i = 0; i < length; i++) out[i] = low + (high - low) * (mixed(stream, i) / 2 ** 32);
  return out;
};

const valuesOf = (index: number, name: string, shape: readonly number[]): Float32Array<ArrayBuffer> => {
  const length = shape.reduce((product, n) => product * n, 1);
  if (name.endsWith(".running_var")) return values(index, length, 0.5, 1.5);
  if (name.endsWith(".bn.weight")) return values(index, length, 0.6, 1.2);
  if (/\.(bias|running_mean)$/.test(name)) return values(index, length, -0.2, 0.2);
  const bound = Math.sqrt(6 / (length / shape[0]));
  return values(index, length, -bound, bound);
};

/** The weights of the fixture. */
export const formulaWeights = (): Map<string, StoredTensor> =>
  new Map(inceptionTensors().map(({ name, shape }, i) => [name, { shape, data: valuesOf(i, name, shape) }]));

/** An image of the fixture: H·W·3 bytes. */
export const formulaImage = (stream: number, height: number, width: number): Uint8Array<ArrayBuffer> =>
  Uint8Array.from({ length: height * width * 3 }, (_, i) => mixed(stream, i) >>> 24);
