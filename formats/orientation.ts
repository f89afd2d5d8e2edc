import { startsWith } from "./starts_with.ts";

const ORIENTATION = 0x0112;

/** How a value of EXIF data is read, by its type (TIFF 6.0, section 2): its bytes, and what makes a number of them. */
const VALUES: Record<number, { bytes: number; read: (view: DataView, at: number, isLittle: boolean) => number }> = {
  3: { bytes: 2, read: (view, at, isLittle) => view.getUint16(at, isLittle) },
  4: { bytes: 4, read: (view, at, isLittle) => view.getUint32(at, isLittle) },
  5: { bytes: 8, read: (view, at, isLittle) => view.getUint32(at, isLittle) / view.getUint32(at + 4, isLittle) },
  6: { bytes: 1, read: (view, at) => view.getInt8(at) },
  8: { bytes: 2, read: (view, at, isLittle) => view.getInt16(at, isLittle) },
  9: { bytes: 4, read: (view, at, isLittle) => view.getInt32(at, isLittle) },
  10: { bytes: 8, read: (view, at, isLittle) => view.getInt32(at, isLittle) / view.getInt32(at + 4, isLittle) },
  11: { bytes: 4, read: (view, at, isLittle) => view.getFloat32(at, isLittle) },
  12: { bytes: 8, read: (view, at, isLittle) => view.getFloat64(at, isLittle) },
  16: { bytes: 8, read: (view, at, isLittle) => Number(view.getBigUint64(at, isLittle)) },
};

const PREFIX = "Exif\0\0";

/** EXIF data from their TIFF header on: some writers put the prefix that JPEG needs before them, or put it twice. */
const withoutPrefix = (exif: Uint8Array): Uint8Array => {
  let rest = exif;
  while (startsWith(rest, PREFIX)) rest = rest.subarray(PREFIX.length);
  return rest;
};

/** What EXIF data say of the orientation, which may be no orientation at all; `null` if they say nothing. */
const exifOrientation = (exif: Uint8Array): number | null => {
  const tiff = withoutPrefix(exif);
  const view = new DataView(tiff.buffer, tiff.byteOffset, tiff.byteLength);
  try {
    const order = view.getUint16(0);
    if (order !== 0x4949 && order !== 0x4d4d) return null;
    const isLittle = order === 0x4949;
    // Some have the right number in the other order.
    if (![42, 42 << 8].includes(view.getUint16(2, isLittle))) return null;
    const directory = view.getUint32(4, isLittle);
    const entries = view.getUint16(directory, isLittle);
    for (let i = 0; i < entries; i++) {
      const at = directory + 2 + 12 * i;
      if (view.getUint16(at, isLittle) !== ORIENTATION) continue;
      const [value, count] = [VALUES[view.getUint16(at + 2, isLittle)], view.getUint32(at + 4, isLittle)];
      if (value === undefined || count === 0) continue;
      const place = view.getUint32(at + 8, isLittle);
      return value.read(view, value.bytes * count <= 4 ? at + 8 : place, isLittle);
    }
  } catch (error) {
    // It points beyond its end: the picture is whole without it.
    if (!(error instanceof RangeError)) throw error;
  }
  return null;
};

/** The same of XMP, in which it is an attribute or an element. */
const xmpOrientation = (xmp: Uint8Array): number | null => {
  const [, value] = /tiff:Orientation(?:="|>)([0-9])/.exec(new TextDecoder("latin1").decode(xmp)) ?? [];
  return value === undefined ? null : Number(value);
};

/**
 * How the data beside a picture say that it is to be turned, as Pillow understands them: 1 … 8, and 1 where they say
 * nothing that can be understood. XMP counts where EXIF has no orientation.
 *
 * @param metadata.exif from its TIFF header on ("II" or "MM"), or with "Exif\\0\\0" before it
 */
export const orientationOf = ({ exif, xmp }: { exif: Uint8Array | null; xmp: Uint8Array | null }): number => {
  const found = (exif && exifOrientation(exif)) ?? (xmp && xmpOrientation(xmp)) ?? 1;
  return Number.isInteger(found) && found >= 1 && found <= 8 ? found : 1;
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
