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
const isSideways = (orientation: number): boolean => orientation >= 5;

/** A picture as it is meant: its extent, and where its pixels stand among those of the file. */
export interface TurnedPixels {
  readonly height: number;
  readonly width: number;
  /** The place of its top left pixel. */
  readonly first: number;
  /** How many places further the next pixel of a line stands; negative where lines are mirrored. */
  readonly across: number;
  /** How many places further the next line stands. */
  readonly down: number;
}

/**
 * Where the pixels of a picture stand that is turned as its orientation says (TIFF 6.0, tag 274; EXIF).
 *
 * @param extent the extent before
 * @param orientation 1 … 8: the corner where the first line and the first column of the file belong
 */
export const turn = (extent: { height: number; width: number }, orientation: number): TurnedPixels => {
  const sideways = isSideways(orientation);
  const [height, width] = sideways ? [extent.width, extent.height] : [extent.height, extent.width];
  const across = sideways ? extent.width : 1;
  const down = sideways ? 1 : extent.width;
  const mirrorsLines = [2, 3, 6, 7].includes(orientation);
  const mirrorsColumns = [3, 4, 7, 8].includes(orientation);
  return {
    height,
    width,
    first: (mirrorsLines ? (width - 1) * across : 0) + (mirrorsColumns ? (height - 1) * down : 0),
    across: mirrorsLines ? -across : across,
    down: mirrorsColumns ? -down : down,
  };
};
