/** The pixels of a file as they stand in it. */
export interface Raster {
  readonly height: number;
  readonly width: number;
  /** 1: gray, 2: gray and alpha, 3: RGB, 4: RGBA. Alpha is not multiplied in. */
  readonly channels: 1 | 2 | 3 | 4;
  /** H·W·C; what 255 is in bytes is 65535 in a Uint16Array. */
  readonly data: Uint8Array | Uint8ClampedArray | Uint16Array;
  /** How the picture is meant to be turned, 1 … 8 (TIFF 6.0, tag 274); 1 is as it is. */
  readonly orientation: number;
}

/** What a file says of its picture before any of it is decoded. */
export interface RasterHeader {
  readonly height: number;
  readonly width: number;
}

/** Why an image cannot be read. */
export type ImageFault =
  /** No format that is read, or a kind of it that is not. */
  | "unsupported"
  /** More pixels than may be. */
  | "too-large"
  /** The file ends early or contradicts itself. */
  | "damaged";

/** An image that comes from outside cannot be read. The message says why, in terms of the file. */
export class ImageError extends Error {
  override name = "ImageError";

  constructor(readonly fault: ImageFault, message: string, options?: ErrorOptions) {
    super(message, options);
  }
}

/**
 * Refuses a picture without pixels or with too many. To be called before anything is allocated for them.
 *
 * @throws {ImageError} if it is so
 */
export const checkRasterSize = ({ height, width }: RasterHeader, maxPixels: number): void => {
  if (width === 0 || height === 0) throw new ImageError("damaged", `the picture has no pixels: ${width}×${height}`);
  if (width * height > maxPixels) {
    throw new ImageError("too-large", `a picture may have ${maxPixels} pixels, this one has ${width}×${height}`);
  }
};
