import { coverBytes } from "../formats/cover.ts";
import { turn } from "../formats/orientation.ts";
import { ImageError, type Raster } from "../formats/raster/raster.ts";
import { RASTER_FORMATS, readRaster } from "../formats/raster/read_raster.ts";
import { isForMagick, MAGICK_FORMATS, readWithMagick } from "../formats/raster/read_with_magick.ts";

/** The most pixels that a picture may have: 8192 × 8192, beyond any camera. */
const MAX_PIXELS = 2 ** 26;

/** The most bytes that its file may have. */
const MAX_BYTES = 2 ** 28;

const FORMATS = [...RASTER_FORMATS, ...MAGICK_FORMATS];

/** The extent of a picture as it is meant to lie. */
export const extentOf = (raster: Raster): { height: number; width: number } => turn(raster, raster.orientation);

/**
 * Reads the raster of a picture's file.
 *
 * @throws {ImageError} if it cannot be read, is damaged or too large
 */
export const readPicture = async (path: string): Promise<Raster> => {
  const { size } = await Deno.stat(path);
  if (size > MAX_BYTES) throw new ImageError("too-large", `the file has ${size} bytes, more than ${MAX_BYTES}`);
  const bytes = await Deno.readFile(path);
  const read = isForMagick(bytes) ? readWithMagick : readRaster;
  return await read(bytes, { maxPixels: MAX_PIXELS, formats: FORMATS });
};

/** A picture as its middle square, resized as Pillow does: RGB bytes. */
export const squareBytes = (raster: Raster, size: number): Uint8ClampedArray =>
  coverBytes(raster, { height: size, width: size, channels: 3 });
