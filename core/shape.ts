import { checkInteger } from "./check.ts";

/** The shape of a batch of images: [n, H, W, C]. */
export type Shape = readonly [n: number, height: number, width: number, channels: number];

/**
 * Checks a shape and gives the number of elements of one image, H·W·C.
 *
 * @throws {TypeError} if a size is no number
 * @throws {RangeError} if there are not four of them, or one is no integer ≥ 1
 */
export const imageLength = (shape: Shape): number => {
  checkInteger("shape.length", shape.length, 4, 4);
  shape.forEach((size, i) => checkInteger(`shape[${i}]`, size, 1));
  return shape[1] * shape[2] * shape[3];
};
