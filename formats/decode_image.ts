/**
 * Formats: bytes to pixels and arrays, and back. Pictures are read (`raster/`: PNG, JPEG and WebP of anybody; BMP, GIF,
 * TIFF and PNM of the person's own), turned, cut and resized (`cover.ts`, `resample.ts`), and written (PNG, APNG, GIF);
 * arrays are `.npy` and `.npz`. It opens no files, and knows no datasets and no models.
 *
 * Read `pixels.ts` first, which says what a batch of images is, then this file: from a picture's bytes to an image of
 * the size that is wanted.
 *
 * @module
 */
import { cover } from "./cover.ts";
import type { ImageShape } from "./pixels.ts";
import { readRaster } from "./raster/read_raster.ts";
import type { Kernel } from "./resample.ts";

/** What a picture is to be turned into. */
export interface DecodeOptions extends ImageShape {
  /** The most pixels that the file may hold; its header is asked before anything is decoded. */
  maxPixels?: number;
}

/** 4096 × 4096. */
export const MAX_PIXELS = 2 ** 24;

const checkOptions = ({ height, width, channels, maxPixels }: Required<DecodeOptions>): void => {
  for (const [name, value] of Object.entries({ height, width, maxPixels })) {
    if (typeof value !== "number") throw new TypeError(`${name} must be a number, received ${value}`);
    if (!(Number.isInteger(value) && value >= 1)) {
      throw new RangeError(`${name} must be an integer ≥ 1, received ${value}`);
    }
  }
  if (channels !== 1 && channels !== 3) throw new RangeError(`channels must be 1 or 3, received ${channels}`);
};

/** A file's picture, turned as it is meant, its middle cut out and resized; values in [0, 255]. */
const decodeCover = async (
  bytes: Uint8Array,
  { height, width, channels, maxPixels }: Required<DecodeOptions>,
  kernel: Kernel,
): Promise<Float32Array<ArrayBuffer>> => {
  checkOptions({ height, width, channels, maxPixels });
  return cover(await readRaster(bytes, { maxPixels }), { height, width, channels }, kernel);
};

const clampByte = (value: number): number => Math.min(255, Math.max(0, value));

/**
 * Reads a PNG, JPEG or WebP, known by its first bytes, as an image for a model of the given extent.
 *
 * The picture is turned as its EXIF data says, cut to the model's proportions around its middle, and resized with an
 * antialiased Lanczos kernel of three lobes, as diffusers does. What is transparent lies on black. Gray is repeated over
 * three channels; colours become gray by their luma (ITU-R BT.601). One of the model's own extent keeps every value:
 * b / 127.5 − 1. It is for files of strangers: whatever they hold costs time and memory bounded by `maxPixels`.
 *
 * @returns H·W·C values in [-1, 1]
 * @throws {TypeError} if an option is no number
 * @throws {RangeError} if one is out of range
 * @throws {ImageError} if the file cannot be read or is too large
 */
export const decodeImage = async (
  bytes: Uint8Array,
  { height, width, channels, maxPixels = MAX_PIXELS }: DecodeOptions,
): Promise<Float32Array<ArrayBuffer>> => {
  const values = await decodeCover(bytes, { height, width, channels, maxPixels }, "lanczos");
  return values.map((value) => clampByte(value) / 127.5 - 1);
};

/**
 * Reads a PNG, JPEG or WebP as a mask of what to keep, for a model of the given extent.
 *
 * In the file, white is painted anew and black is kept, as in diffusers' inpainting pipelines (its old RePaintPipeline
 * alone had it the other way round); gray mixes, and transparent is black. It is cut and turned as `decodeImage` does
 * with the image, and resized linearly, so that no edge rings.
 *
 * @returns H·W values in [0, 1]: 1 keeps a pixel, 0 makes a new one
 * @throws as `decodeImage` does
 */
export const decodeMask = async (
  bytes: Uint8Array,
  { height, width, maxPixels = MAX_PIXELS }: Omit<DecodeOptions, "channels">,
): Promise<Float32Array<ArrayBuffer>> => {
  const values = await decodeCover(bytes, { height, width, channels: 1, maxPixels }, "triangle");
  return values.map((value) => 1 - clampByte(value) / 255);
};
