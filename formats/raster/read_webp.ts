import webp from "@jsquash/webp/codec/dec/webp_dec.js";
import { checkSize } from "./check_size.ts";
import type { Raster } from "./raster.ts";
import { createWasmCodec } from "./wasm_codec.ts";
import { readWebpHeader } from "./webp_header.ts";

const decode = createWasmCodec({
  name: "WebP",
  wasm: import.meta.resolve("@jsquash/webp/codec/dec/webp_dec.wasm"),
  factory: webp,
});

/**
 * Reads a WebP that is not animated, lossy or lossless, with libwebp in wasm.
 *
 * @throws {ImageError} if it is damaged, animated, or larger than `maxPixels`; the size is checked first
 */
export const readWebp = async (bytes: Uint8Array, { maxPixels }: { maxPixels: number }): Promise<Raster> => {
  const header = readWebpHeader(bytes);
  checkSize(header, maxPixels);
  return { ...await decode(bytes, header), orientation: header.orientation };
};
