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
