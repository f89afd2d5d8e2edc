import { turn } from "./orientation.ts";
import type { ImageShape } from "./pixels.ts";
import type { Raster } from "./raster/raster.ts";
import { type Kernel, type Lines, resample, resampleBytes, type Resampling, type Span } from "./resample.ts";

/**
 * The lines of a raster, turned as it is meant, as gray (1) or RGB (3) in [0, 255], whatever it holds: what is
 * transparent lies on black, and gray is made of colours by their luma (ITU-R BT.601).
 */
const linesOf = (raster: Raster, wanted: 1 | 3): Lines => {
  const { channels, data } = raster;
  const scale = data instanceof Uint16Array ? 1 / 257 : 1;
  const most = data instanceof Uint16Array ? 65_535 : 255;
  const isGray = channels <= 2;
  const hasAlpha = channels === 2 || channels === 4;
  const { height, width, first, across, down } = turn(raster, raster.orientation);
  const step = across * channels;
  return {
    height,
    width,
    channels: wanted,
    read: (y, line) => {
      for (let x = 0, at = (first + y * down) * channels; x < width; x++, at += step) {
        const weight = hasAlpha ? scale * data[at + channels - 1] / most : scale;
        const r = data[at];
        const g = isGray ? r : data[at + 1];
        const b = isGray ? r : data[at + 2];
        if (wanted === 1) {
          line[x] = weight * (isGray ? r : (299 * r + 587 * g + 114 * b) / 1000);
        } else {
          line[3 * x] = weight * r;
          line[3 * x + 1] = weight * g;
          line[3 * x + 2] = weight * b;
        }
      }
    },
  };
};

/** The same for bytes: gray is made of colours that are bytes already, by the luma of Pillow's `Convert.c` (`L24`). */
const byteLinesOf = (raster: Raster, wanted: 1 | 3): Lines => {
  if (wanted === 3 || raster.channels <= 2) return linesOf(raster, wanted);
  const { read, ...extent } = linesOf(raster, 3);
  const colours = new Uint8ClampedArray(3 * extent.width);
  return {
    ...extent,
    channels: 1,
    read: (y, line) => {
      read(y, colours);
      for (let x = 0, at = 0; x < extent.width; x++, at += 3) {
        line[x] = (19_595 * colours[at] + 38_470 * colours[at + 1] + 7_471 * colours[at + 2] + 0x8000) >> 16;
      }
    },
  };
};

/** The middle of a line. The part is rounded to float32, as Pillow does, lest 49 / 3 · 3 be a little less than 49. */
const middle = (length: number, part: number): Span => {
  const rounded = Math.fround(part);
  return { start: (length - rounded) / 2, length: rounded };
};

const middlePart = (
  lines: Lines,
  { height, width }: { height: number; width: number },
): Omit<Resampling, "kernel"> => {
  const scale = Math.min(lines.width / width, lines.height / height);
  return { height, width, across: middle(lines.width, width * scale), down: middle(lines.height, height * scale) };
};

/**
 * A picture turned as it is meant, cut around its middle to the proportions of `shape`, and resized to it. What is
 * transparent lies on black. One of this very extent keeps every value.
 *
 * @param shape of 1 channel (gray) or 3 (RGB)
 * @returns H·W·C values around [0, 255]; a kernel with negative lobes may leave that range
 */
export const cover = (raster: Raster, shape: ImageShape, kernel: Kernel = "lanczos"): Float32Array<ArrayBuffer> => {
  const lines = linesOf(raster, shape.channels === 1 ? 1 : 3);
  return resample(lines, { ...middlePart(lines, shape), kernel });
};

/**
 * The same with Lanczos' kernel, as bytes: those that Pillow 13 makes of a picture of 8 bits.
 *
 * @param shape of 1 channel (gray) or 3 (RGB)
 * @returns H·W·C bytes
 */
export const coverBytes = (raster: Raster, shape: ImageShape): Uint8ClampedArray<ArrayBuffer> => {
  const lines = byteLinesOf(raster, shape.channels === 1 ? 1 : 3);
  return resampleBytes(lines, { ...middlePart(lines, shape), kernel: "lanczos" });
};
