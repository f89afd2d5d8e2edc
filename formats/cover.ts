import { isSideways, orient } from "./orientation.ts";
import type { ImageShape } from "./pixels.ts";
import type { Raster } from "./raster/raster.ts";
import { type Kernel, type Lines, resample, type Span } from "./resample.ts";

/**
 * The lines of a raster as gray (1) or RGB (3) in [0, 255], whatever it holds: what is transparent lies on black, and
 * gray is made of colours by their luma (ITU-R BT.601).
 */
const linesOf = ({ height, width, channels, data }: Raster, wanted: 1 | 3): Lines => {
  const scale = data instanceof Uint16Array ? 1 / 257 : 1;
  const most = data instanceof Uint16Array ? 65_535 : 255;
  const isGray = channels <= 2;
  const hasAlpha = channels === 2 || channels === 4;
  return {
    height,
    width,
    channels: wanted,
    read: (y, line) => {
      for (let x = 0, at = y * width * channels; x < width; x++, at += channels) {
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

const middle = (length: number, part: number): Span => ({ start: (length - part) / 2, length: part });

/**
 * A picture turned as it is meant, cut around its middle to the proportions of `shape`, and resized to it. What is
 * transparent lies on black. One of this very extent keeps every value.
 *
 * @param shape of 1 channel (gray) or 3 (RGB)
 * @returns H·W·C values around [0, 255]; a kernel with negative lobes may leave that range
 */
export const cover = (
  raster: Raster,
  { height, width, channels }: ImageShape,
  kernel: Kernel = "lanczos",
): Float32Array<ArrayBuffer> => {
  // Turning is left for last, when the picture is small: until then it is the aim that lies on its side.
  const aim = isSideways(raster.orientation) ? { height: width, width: height } : { height, width };
  const scale = Math.min(raster.width / aim.width, raster.height / aim.height);
  const values = resample(linesOf(raster, channels === 1 ? 1 : 3), {
    ...aim,
    across: middle(raster.width, aim.width * scale),
    down: middle(raster.height, aim.height * scale),
    kernel,
  });
  return orient(values, { ...aim, channels }, raster.orientation);
};
