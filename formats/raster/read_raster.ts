import { isPng } from "../png_chunks.ts";
import { ImageError, type Raster } from "./raster.ts";
import { isJpeg, readJpeg } from "./read_jpeg.ts";
import { readPng } from "./read_png.ts";
import { isWebp, readWebp } from "./read_webp.ts";

/**
 * Reads a PNG, JPEG or WebP, whichever the bytes start as.
 *
 * @throws {ImageError} if they are none of these, damaged, or larger than `maxPixels`
 */
export const readRaster = async (bytes: Uint8Array, options: { maxPixels: number }): Promise<Raster> => {
  if (bytes.length === 0) throw new ImageError("damaged", "the file is empty");
  if (isPng(bytes)) return readPng(bytes, options);
  if (isJpeg(bytes)) return await readJpeg(bytes, options);
  if (isWebp(bytes)) return await readWebp(bytes, options);
  throw new ImageError("unsupported", "the file is neither PNG, JPEG nor WebP");
};
