import mozjpeg from "@jsquash/jpeg/codec/dec/mozjpeg_dec.js";
import { checkSize } from "./check_size.ts";
import { readJpegHeader } from "./jpeg_header.ts";
import type { Raster } from "./raster.ts";
import { createWasmCodec } from "./wasm_codec.ts";

/** Whether the bytes start as a JPEG does. */
export const isJpeg = (bytes: Uint8Array): boolean => bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff;

const decode = createWasmCodec({
  name: "JPEG",
  wasm: import.meta.resolve("@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm"),
  factory: mozjpeg,
  // Whether it turns the picture by itself.
  options: [false],
});

/**
 * Reads a JPEG, baseline or progressive, gray or YCbCr, with mozjpeg in wasm.
 *
 * @throws {ImageError} if it is damaged, of another kind, or larger than `maxPixels`; the size is checked first
 */
export const readJpeg = async (bytes: Uint8Array, { maxPixels }: { maxPixels: number }): Promise<Raster> => {
  const header = readJpegHeader(bytes);
  checkSize(header, maxPixels);
  return { ...await decode(bytes.subarray(0, header.length), header), orientation: header.orientation };
};
