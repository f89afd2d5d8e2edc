import { ImageError } from "../image_error.ts";
import type { RasterHeader } from "./raster.ts";

/** What the chunk IHDR says. */
export interface PngHeader extends RasterHeader {
  /** Bits a sample: 1, 2, 4, 8 or 16. */
  readonly depth: number;
  /** 0: gray, 2: RGB, 3: palette, 4: gray and alpha, 6: RGBA. */
  readonly colour: number;
  /** Samples of a pixel as they are stored. */
  readonly samples: 1 | 2 | 3 | 4;
  readonly isInterlaced: boolean;
}

const SAMPLES: Record<number, 1 | 2 | 3 | 4> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };

const DEPTHS: Record<number, readonly number[]> = {
  0: [1, 2, 4, 8, 16],
  2: [8, 16],
  3: [1, 2, 4, 8],
  4: [8, 16],
  6: [8, 16],
};

/**
 * Reads the data of IHDR (PNG, third edition, section 11.2.1).
 *
 * @throws {ImageError} if it holds what PNG does not know
 */
export const readPngHeader = (data: Uint8Array): PngHeader => {
  if (data.length !== 13) throw new ImageError("damaged", `the PNG's header must have 13 bytes, it has ${data.length}`);
  const view = new DataView(data.buffer, data.byteOffset);
  const [depth, colour, compression, filter, interlace] = data.subarray(8);
  if (!DEPTHS[colour]?.includes(depth)) {
    throw new ImageError("damaged", `PNG knows no colour type ${colour} with ${depth} bits a sample`);
  }
  if (compression !== 0 || filter !== 0 || interlace > 1) {
    throw new ImageError(
      "damaged",
      `PNG knows no compression ${compression} with filters ${filter} and interlacing ${interlace}`,
    );
  }
  return {
    width: view.getUint32(0),
    height: view.getUint32(4),
    depth,
    colour,
    samples: SAMPLES[colour],
    isInterlaced: interlace === 1,
  };
};
