import type { Raster } from "./raster/raster.ts";
import type { Lines } from "./resample.ts";

/**
 * The lines of a raster as gray (1) or RGB (3) in [0, 255], whatever it holds: what is transparent lies on black, and
 * gray is made of colours by their luma (ITU-R BT.601).
 */
export const rasterLines = ({ height, width, channels, data }: Raster, wanted: 1 | 3): Lines => {
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
