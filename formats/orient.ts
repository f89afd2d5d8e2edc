import type { ImageShape } from "./pixels.ts";

/** Whether a picture of this orientation lies on its side: its height is the width that is meant. */
export const isSideways = (orientation: number): boolean => orientation >= 5;

/**
 * Turns a picture as its orientation says (TIFF 6.0, tag 274; EXIF).
 *
 * @param shape the extent before
 * @param orientation 1 … 8: the corner where the first line and the first column of `values` belong
 */
export const orient = (
  values: Float32Array<ArrayBuffer>,
  { height, width, channels }: ImageShape,
  orientation: number,
): Float32Array<ArrayBuffer> => {
  if (orientation === 1) return values;
  const sideways = isSideways(orientation);
  const [rows, columns] = sideways ? [width, height] : [height, width];
  const mirrorsLines = [3, 4, 7, 8].includes(orientation);
  const mirrorsColumns = [2, 3, 6, 7].includes(orientation);
  const out = new Float32Array(values.length);
  for (let row = 0, at = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const r = mirrorsLines ? rows - 1 - row : row;
      const c = mirrorsColumns ? columns - 1 - column : column;
      const from = (sideways ? c * width + r : r * width + c) * channels;
      for (let k = 0; k < channels; k++) out[at++] = values[from + k];
    }
  }
  return out;
};
