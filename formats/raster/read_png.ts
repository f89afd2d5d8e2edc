import { ImageError } from "../image_error.ts";
import { type PngChunk, pngChunks } from "../png_chunks.ts";
import { checkSize } from "./check_size.ts";
import { exifOrientation } from "./exif_orientation.ts";
import { inflateExactly } from "./inflate_exactly.ts";
import { pngColours } from "./png_colours.ts";
import { readPngHeader } from "./png_header.ts";
import { pngPasses, pngSamples, scanlineBytes } from "./png_scanlines.ts";
import type { Raster } from "./raster.ts";

const KNOWN = ["IHDR", "PLTE", "IDAT", "IEND"];

const only = (chunks: readonly PngChunk[], type: string): Uint8Array | null => {
  const found = chunks.filter((chunk) => chunk.type === type);
  if (found.length > 1) throw new ImageError("damaged", `the PNG has ${found.length} chunks ${type}`);
  return found[0]?.data ?? null;
};

/**
 * Reads any PNG: each colour type and depth, interlaced or not, 16 bits as they are; of an animated one, the picture that
 * stands for it. Colour profiles and gamma are not applied.
 *
 * It is written here because it is for files of strangers: fast-png, which writes ours, inflates image data and profiles
 * without bound, and misreads interlaced pictures of less than 8 bits.
 *
 * @throws {ImageError} if it is damaged or larger than `maxPixels`; the size is checked before anything is decoded
 */
export const readPng = (bytes: Uint8Array, { maxPixels }: { maxPixels: number }): Raster => {
  const chunks: PngChunk[] = [];
  for (const chunk of pngChunks(bytes)) {
    if (chunks.length === 0) {
      if (chunk.type !== "IHDR") throw new ImageError("damaged", `the PNG must start with IHDR, it has ${chunk.type}`);
      checkSize(readPngHeader(chunk.data), maxPixels);
    }
    const isCritical = chunk.type[0] === chunk.type[0].toUpperCase();
    if (isCritical && !KNOWN.includes(chunk.type)) {
      throw new ImageError("unsupported", `the PNG needs a reader that understands its chunk ${chunk.type}`);
    }
    if (isCritical || chunk.type === "tRNS" || chunk.type === "eXIf") chunks.push(chunk);
  }
  const header = readPngHeader(only(chunks, "IHDR")!);
  const [palette, transparency, exif] = ["PLTE", "tRNS", "eXIf"].map((type) => only(chunks, type));
  const passes = pngPasses(header);
  const compressed = chunks.flatMap(({ type, data }) => type === "IDAT" ? [data] : []);
  const samples = pngSamples(header, passes, inflateExactly(compressed, scanlineBytes(passes)));
  return {
    height: header.height,
    width: header.width,
    ...pngColours(header, samples, { palette, transparency }),
    orientation: exif ? exifOrientation(exif) : 1,
  };
};
