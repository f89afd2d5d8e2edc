import { encode } from "fast-png";
import type { ByteImages } from "./pixels.ts";

/**
 * One 8-bit image as PNG: gray (1 channel), gray + alpha (2), RGB (3) or RGBA (4).
 *
 * @param level zlib's effort, 0 (store) … 9
 * @throws {RangeError} if `data` does not match its extent
 */
export const encodePng = (
  { data, height, width, channels }: ByteImages,
  { level = 6 }: { level?: 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 } = {},
): Uint8Array<ArrayBuffer> => {
  if (data.length !== height * width * channels) {
    throw new RangeError(`data must have ${height}×${width}×${channels} bytes, received ${data.length}`);
  }
  return new Uint8Array(encode({ data, height, width, channels, depth: 8 }, { zlib: { level } }));
};
