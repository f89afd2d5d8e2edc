import { Unzlib } from "fflate";
import { ImageError } from "../image_error.ts";

/** Deflate makes at most 1032 bytes of one, so that a step from a piece of this size stays small. */
const PIECE = 16_384;
const MOST_PER_BYTE = 1032;

/**
 * Inflates zlib data whose length is known, and stops as soon as there is more: a small file that swells costs no more
 * memory and time than the length that it may have.
 *
 * @param pieces the data, in order
 * @param length bytes that must come out
 * @throws {ImageError} if the data is no zlib, or fewer or more bytes come out
 */
export const inflateExactly = (pieces: readonly Uint8Array[], length: number): Uint8Array<ArrayBuffer> => {
  const size = pieces.reduce((all, piece) => all + piece.length, 0);
  if (size * MOST_PER_BYTE < length) {
    throw new ImageError("damaged", `${size} bytes of image data cannot hold the ${length} that this picture takes`);
  }
  const out = new Uint8Array(length);
  let at = 0;
  const inflater = new Unzlib((bytes) => {
    if (at + bytes.length > length) {
      throw new ImageError("damaged", `the image data goes on after the ${length} bytes that this picture takes`);
    }
    out.set(bytes, at);
    at += bytes.length;
  });
  try {
    for (const [i, piece] of pieces.entries()) {
      for (let from = 0; from < piece.length; from += PIECE) {
        const isLast = i === pieces.length - 1 && from + PIECE >= piece.length;
        inflater.push(piece.subarray(from, from + PIECE), isLast);
      }
    }
  } catch (error) {
    if (error instanceof ImageError) throw error;
    throw new ImageError("damaged", `the image data is damaged: ${error instanceof Error ? error.message : error}`, {
      cause: error,
    });
  }
  if (at < length) {
    throw new ImageError("damaged", `the image data ends after ${at} of the ${length} bytes that this picture takes`);
  }
  return out;
};
