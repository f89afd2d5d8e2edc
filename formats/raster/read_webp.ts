import webp from "@jsquash/webp/codec/dec/webp_dec.js";
import { exifOrientation } from "../orientation.ts";
import { checkRasterSize, ImageError, type Raster, type RasterHeader } from "./raster.ts";
import { createWasmCodec } from "./wasm_codec.ts";

/** What the chunks of a WebP say. */
export interface WebpHeader extends RasterHeader {
  readonly orientation: number;
}

const ANIMATION = 0x02;

const fourCharacterCode = (bytes: Uint8Array, at: number): string => String.fromCharCode(...bytes.subarray(at, at + 4));

/** Whether the bytes start as a WebP does. */
export const isWebp = (bytes: Uint8Array): boolean =>
  fourCharacterCode(bytes, 0) === "RIFF" && fourCharacterCode(bytes, 8) === "WEBP";

const lossySize = (data: Uint8Array): RasterHeader => {
  if (data[3] !== 0x9d || data[4] !== 0x01 || data[5] !== 0x2a) {
    throw new ImageError("damaged", "the WebP holds no key frame");
  }
  return { width: (data[7] << 8 | data[6]) & 0x3fff, height: (data[9] << 8 | data[8]) & 0x3fff };
};

const losslessSize = (data: Uint8Array): RasterHeader => {
  if (data[0] !== 0x2f) throw new ImageError("damaged", "the WebP's lossless data has no signature");
  const bits = (data[1] | data[2] << 8 | data[3] << 16 | data[4] << 24) >>> 0;
  return { width: (bits & 0x3fff) + 1, height: (bits >>> 14 & 0x3fff) + 1 };
};

/**
 * Walks the chunks of a WebP without decoding.
 *
 * @throws {ImageError} if it ends early, contradicts itself, or is animated
 */
const readWebpHeader = (bytes: Uint8Array): WebpHeader => {
  const endsEarly = () => new ImageError("damaged", `the WebP ends early, after ${bytes.length} bytes`);
  if (bytes.length < 12) throw endsEarly();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = 8 + view.getUint32(4, true);
  if (end > bytes.length) throw endsEarly();
  let size: RasterHeader | null = null;
  let canvas: RasterHeader | null = null;
  let orientation = 1;
  for (let at = 12; at + 8 <= end;) {
    const [type, length] = [fourCharacterCode(bytes, at), view.getUint32(at + 4, true)];
    if (at + 8 + length > end) throw new ImageError("damaged", `the WebP's chunk ${type} goes beyond its end`);
    const data = bytes.subarray(at + 8, at + 8 + length);
    const isPicture = type === "VP8 " || type === "VP8L" || type === "VP8X";
    if (isPicture && length < 10 && !(type === "VP8L" && length >= 5)) throw endsEarly();
    if (type === "VP8X") {
      if (data[0] & ANIMATION) throw new ImageError("unsupported", "the WebP is animated; single pictures are read");
      const side = (i: number) => (data[i] | data[i + 1] << 8 | data[i + 2] << 16) + 1;
      canvas ??= { width: side(4), height: side(7) };
    }
    if (type === "VP8 ") size ??= lossySize(data);
    if (type === "VP8L") size ??= losslessSize(data);
    if (type === "EXIF") orientation = exifOrientation(fourCharacterCode(data, 0) === "Exif" ? data.subarray(6) : data);
    at += 8 + length + (length & 1);
  }
  if (size === null) throw new ImageError("damaged", "the WebP holds no picture");
  if (canvas && (canvas.width !== size.width || canvas.height !== size.height)) {
    throw new ImageError(
      "damaged",
      `the WebP says that it is ${canvas.width}×${canvas.height}, and holds ${size.width}×${size.height}`,
    );
  }
  return { ...size, orientation };
};

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
  checkRasterSize(header, maxPixels);
  return { ...await decode(bytes, header), orientation: header.orientation };
};
