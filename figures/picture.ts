import { cover } from "../formats/cover.ts";
import { type ByteImages, type ImageShape, toBytes } from "../formats/pixels.ts";
import { encodePng } from "../formats/png.ts";
import { element } from "./svg.ts";

/** One image, as values in [−1, 1]; what lies outside is drawn as the nearest of them. */
export interface Picture extends ImageShape {
  /** H·W·C values, NHWC. */
  readonly values: Float32Array;
}

/** Extent of a picture on the page, in SVG's units. */
export interface Extent {
  readonly width: number;
  readonly height: number;
}

/** Pixels that are embedded for one unit of the page: as many as `renderSvg` draws, so that none is drawn uneven. */
const DENSITY = 2;

/**
 * The extent at which images of a shape are drawn where each may be `most` wide: the largest at which their pixels come
 * out even, or `most` itself for larger ones.
 */
export const extentFor = ({ width, height }: ImageShape, most: number): Extent => {
  const scale = most >= width ? Math.floor(DENSITY * most / width) / DENSITY : Math.floor(most) / width;
  return { width: width * scale, height: Math.round(height * scale) };
};

/** Each pixel as a block of `factor` by `factor`: SVG has no way to ask for it that all viewers know. */
export const enlarge = ({ data, height, width, channels }: ByteImages, factor: number): ByteImages => {
  const out = new Uint8Array(data.length * factor * factor);
  const line = width * factor * channels;
  for (let y = 0; y < height; y++) {
    const top = y * factor * line;
    for (let x = 0; x < width; x++) {
      const pixel = data.subarray((y * width + x) * channels, (y * width + x + 1) * channels);
      for (let k = 0; k < factor; k++) out.set(pixel, top + (x * factor + k) * channels);
    }
    for (let k = 1; k < factor; k++) out.copyWithin(top + k * line, top, top + line);
  }
  return { data: out, height: height * factor, width: width * factor, channels };
};

const shrink = ({ data, channels }: ByteImages, from: Extent, to: Extent): ByteImages => {
  const shape = { ...to, channels };
  const raster = { ...from, data, channels: channels as 1 | 3, orientation: 1 };
  return { ...shape, data: Uint8Array.from(cover(raster, shape), (value) => Math.min(255, Math.max(0, value + 0.5))) };
};

const fit = (image: ByteImages, extent: Extent): ByteImages => {
  const factor = DENSITY * extent.width / image.width;
  if (Number.isInteger(factor)) return enlarge(image, factor);
  if (factor > 1) return image;
  return shrink(image, image, { width: DENSITY * extent.width, height: DENSITY * extent.height });
};

/** The picture with its top left corner at (x, y), embedded as PNG. */
export const drawPicture = ({ values, ...shape }: Picture, x: number, y: number, extent: Extent): string => {
  const png = encodePng(fit({ ...shape, data: toBytes(values) }, extent), { level: 9 });
  return element("image", { x, y, ...extent, href: `data:image/png;base64,${png.toBase64()}` });
};
