import type { Raster } from "../../formats/raster/raster.ts";

/** A raster laid on white: RGB bytes, rounded half to even. */
export const onWhite = ({ height, width, channels, data }: Raster): Uint8Array => {
  const most = data instanceof Uint16Array ? 65_535 : 255;
  const bytes = new Uint8ClampedArray(3 * height * width);
  const [green, blue] = channels <= 2 ? [0, 0] : [1, 2];
  const hasAlpha = channels === 2 || channels === 4;
  for (let pixel = 0, from = 0; from < data.length; pixel++, from += channels) {
    const alpha = hasAlpha ? data[from + channels - 1] / most : 1;
    for (const [c, at] of [0, green, blue].entries()) {
      bytes[3 * pixel + c] = 255 * (1 - alpha + alpha * data[from + at] / most);
    }
  }
  return new Uint8Array(bytes.buffer);
};
