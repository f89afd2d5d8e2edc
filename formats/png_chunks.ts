import { crc32 } from "./crc32.ts";
import { ImageError } from "./raster/raster.ts";

/** What every PNG starts with. */
export const PNG_SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);

/** Part of a PNG. */
export interface PngChunk {
  /** Four letters; the first is upper case where a reader must understand the chunk. */
  readonly type: string;
  readonly data: Uint8Array;
}

/** Whether the bytes start as a PNG does. */
export const isPng = (bytes: Uint8Array): boolean => PNG_SIGNATURE.every((byte, i) => bytes[i] === byte);

/**
 * The chunks of a PNG in order. Their data are views of `bytes`. As Pillow does, it asks for less once the image data have
 * begun, since those have a checksum of their own: IEND may be missing, and the last IDAT may be cut.
 *
 * @throws {ImageError} at the chunk where the file ends early, or whose checksum is wrong before the image data
 */
export const pngChunks = function* (bytes: Uint8Array): Generator<PngChunk, void> {
  if (!isPng(bytes)) throw new ImageError("damaged", "it does not start with the signature of PNG");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let hasImageData = false;
  for (let at = PNG_SIGNATURE.length;;) {
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    if (!/^[A-Za-z]{4}$/.test(type)) {
      if (hasImageData) return;
      const isShort = at + 8 > bytes.length;
      const reason = isShort ? `ends early, after ${bytes.length} bytes` : `has a chunk without a name, at byte ${at}`;
      throw new ImageError("damaged", `the PNG ${reason}`);
    }
    const length = view.getUint32(at);
    const end = at + 8 + length;
    hasImageData ||= type === "IDAT";
    if (type !== "IDAT" && end + (hasImageData ? 0 : 4) > bytes.length) {
      throw new ImageError("damaged", `the PNG ends early, in the ${length} bytes of its chunk ${type}`);
    }
    if (!hasImageData && crc32(bytes.subarray(at + 4, end)) !== view.getUint32(end)) {
      throw new ImageError("damaged", `the checksum of the PNG's chunk ${type} at byte ${at} is wrong`);
    }
    yield { type, data: bytes.subarray(at + 8, end) };
    if (type === "IEND") return;
    at = end + 4;
  }
};

/** A chunk as a file has it: length, type, data, checksum. */
export const pngChunk = (type: string, data: Uint8Array): Uint8Array<ArrayBuffer> => {
  const chunk = new Uint8Array(12 + data.length);
  const view = new DataView(chunk.buffer);
  view.setUint32(0, data.length);
  for (let i = 0; i < 4; i++) chunk[4 + i] = type.charCodeAt(i);
  chunk.set(data, 8);
  view.setUint32(8 + data.length, crc32(chunk.subarray(4, 8 + data.length)));
  return chunk;
};
