import { isSideways, orient } from "./orient.ts";
import type { ImageShape } from "./pixels.ts";
import { rasterLines } from "./raster_lines.ts";
import type { Raster } from "./raster/raster.ts";
import { type Kernel, resample, type Span } from "./resample.ts";

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
  const values = resample(rasterLines(raster, channels === 1 ? 1 : 3), {
    ...aim,
    across: middle(raster.width, aim.width * scale),
    down: middle(raster.height, aim.height * scale),
    kernel,
  });
  return orient(values, { ...aim, channels }, raster.orientation);
};
