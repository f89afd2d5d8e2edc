import { convertIndexedToRgb, decode } from "fast-png";
import type { ByteImages } from "../../formats/pixels.ts";

/**
 * Reads a PNG of 8 bits a sample, or of a palette, which becomes RGB. Checksums are verified.
 *
 * @throws {SyntaxError} if the bytes are no PNG, damaged, or of another depth
 */
export const decodePng = (bytes: Uint8Array): ByteImages => {
  const image = (() => {
    try {
      return decode(bytes, { checkCrc: true });
    } catch (cause) {
      throw new SyntaxError(`cannot read PNG: ${cause instanceof Error ? cause.message : cause}`, { cause });
    }
  })();
  const { height, width, palette } = image;
  if (palette) {
    return { data: Uint8Array.from(convertIndexedToRgb(image)), height, width, channels: palette[0].length };
  }
  if (image.depth !== 8) throw new SyntaxError(`cannot read PNG: depth must be 8 bits, received ${image.depth}`);
  const data = Uint8Array.from(image.data);
  if (data.length !== height * width * image.channels) {
    throw new SyntaxError(`cannot read PNG: ${height}×${width}×${image.channels} needs more than ${data.length} bytes`);
  }
  return { data, height, width, channels: image.channels };
};
