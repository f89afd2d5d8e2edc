import type { ImageShape } from "./pixels.ts";

const ORIENTATION = 0x0112;
const SHORT = 3;

/**
 * How EXIF data says that a picture is to be turned: 1 … 8, and 1 where it says nothing that can be understood.
 *
 * @param tiff the data from its TIFF header on ("II" or "MM")
 */
export const exifOrientation = (tiff: Uint8Array): number => {
  const view = new DataView(tiff.buffer, tiff.byteOffset, tiff.byteLength);
  try {
    const order = view.getUint16(0);
    if (order !== 0x4949 && order !== 0x4d4d) return 1;
    const isLittle = order === 0x4949;
    if (view.getUint16(2, isLittle) !== 42) return 1;
    const directory = view.getUint32(4, isLittle);
    const entries = view.getUint16(directory, isLittle);
    for (let i = 0; i < entries; i++) {
      const at = directory + 2 + 12 * i;
      if (view.getUint16(at, isLittle) !== ORIENTATION) continue;
      const value = view.getUint16(at + 8, isLittle);
      return view.getUint16(at + 2, isLittle) === SHORT && value >= 1 && value <= 8 ? value : 1;
    }
    return 1;
  } catch (error) {
    // It points beyond its end: the picture is whole without it.
    if (error instanceof RangeError) return 1;
    throw error;
  }
};

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
