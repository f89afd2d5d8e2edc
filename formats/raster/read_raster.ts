import { isPng } from "../png_chunks.ts";
import type { Raster } from "./raster.ts";
import { isJpeg, readJpeg } from "./read_jpeg.ts";
import { readPng } from "./read_png.ts";
import { isWebp, readWebp } from "./read_webp.ts";
import { unknownFormat } from "./unknown_format.ts";

const READERS = [
  { name: "PNG", is: isPng, read: readPng },
  { name: "JPEG", is: isJpeg, read: readJpeg },
  { name: "WebP", is: isWebp, read: readWebp },
] as const;

/** The formats that `readRaster` reads. */
export const RASTER_FORMATS: readonly string[] = READERS.map(({ name }) => name);

/**
 * Reads a PNG, JPEG or WebP, whichever the bytes start as.
 *
 * @param options.formats what the error names for a file that is none of these; by default, these
 * @throws {ImageError} if they are none of these, damaged, or larger than `maxPixels`
 */
export const readRaster = async (
  bytes: Uint8Array,
  { maxPixels, formats = RASTER_FORMATS }: { maxPixels: number; formats?: readonly string[] },
): Promise<Raster> => {
  const reader = READERS.find(({ is }) => is(bytes));
  if (reader === undefined) throw unknownFormat(bytes, formats);
  return await reader.read(bytes, { maxPixels });
};
