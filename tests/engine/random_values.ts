import { fillNormal } from "../../core/mod.ts";

/** The number of elements of a tensor of this shape. */
export const sizeOf = (shape: readonly number[]): number => shape.reduce((product, n) => product * n, 1);

/** Standard normal values for a tensor of this shape; the same for the same seed. */
export const randomValues = (shape: readonly number[], seed: number): Float32Array<ArrayBuffer> => {
  const values = new Float32Array(sizeOf(shape));
  fillNormal(values, { seed, sample: 0, step: 0, domain: 0x7e57 });
  return values;
};
