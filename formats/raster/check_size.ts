import { ImageError } from "../image_error.ts";
import type { RasterHeader } from "./raster.ts";

/**
 * Refuses a picture without pixels or with too many. To be called before anything is allocated for them.
 *
 * @throws {ImageError} if it is so
 */
export const checkSize = ({ height, width }: RasterHeader, maxPixels: number): void => {
  if (width === 0 || height === 0) throw new ImageError("damaged", `the picture has no pixels: ${width}×${height}`);
  if (width * height > maxPixels) {
    throw new ImageError("too-large", `a picture may have ${maxPixels} pixels, this one has ${width}×${height}`);
  }
};
