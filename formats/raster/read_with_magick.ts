import { orientationOf } from "../orientation.ts";
import { onCanvas } from "./on_canvas.ts";
import { checkRasterSize, ImageError, type Raster } from "./raster.ts";
import { unknownFormat } from "./unknown_format.ts";

/** The formats that are left to ImageMagick, by how their files start. */
const STARTS = {
  BMP: /^BM/,
  GIF: /^GIF8[79]a/,
  PNM: /^P[1-6]\s/,
  TIFF: /^(II[*+]\0|MM\0[*+])/,
} as const;

type Format = keyof typeof STARTS;

/** The formats that `readWithMagick` reads. */
export const MAGICK_FORMATS: readonly string[] = Object.keys(STARTS);

const formatOf = (bytes: Uint8Array): Format | undefined => {
  const start = String.fromCharCode(...bytes.subarray(0, 8));
  return (Object.keys(STARTS) as Format[]).find((format) => STARTS[format].test(start));
};

/** Whether the bytes start as a BMP, GIF, TIFF, PPM, PGM or PBM does. */
export const isForMagick = (bytes: Uint8Array): boolean => formatOf(bytes) !== undefined;

const start = async () => {
  const magick = await import("@imagemagick/magick-wasm");
  const wasm = new URL(import.meta.resolve("@imagemagick/magick-wasm/magick.wasm"));
  await magick.initializeImageMagick(await WebAssembly.compile(await Deno.readFile(wasm)));
  // What does not fit into memory would go to files, which are in memory here.
  magick.ResourceLimits.disk = 0n;
  return magick;
};

let started: ReturnType<typeof start> | undefined;

/** What ImageMagick says, without the place in its source: "ReasonInCamelCase `file' @ error/bmp.c/ReadBMPImage/1". */
const reasonOf = (message: string): string =>
  message.replace(/ @ (error|warning)\/.*$/s, "").replace(/ ?`[^']*'/, "").replace(/(?<=[a-z])(?=[A-Z])/g, " ")
    .toLowerCase();

/**
 * Reads a BMP, TIFF, PPM, PGM or PBM, or the first frame of a GIF, with ImageMagick in wasm: to RGBA of 8 bits a sample.
 * What it holds of 16 bits is rounded.
 *
 * It is for a person's own files; those of strangers keep to formats whose readers have a memory of their own each time.
 *
 * @throws {ImageError} if it is damaged, of a kind that is not read, or larger than `maxPixels`; the size is checked first
 */
export const readWithMagick = async (bytes: Uint8Array, { maxPixels }: { maxPixels: number }): Promise<Raster> => {
  const format = formatOf(bytes);
  if (format === undefined) throw unknownFormat(bytes, MAGICK_FORMATS);
  const { AlphaAction, ColorSpace, MagickError, MagickErrorSeverity, MagickImage, MagickReadSettings } =
    await (started ??= start());
  const image = MagickImage.create();
  const settings = new MagickReadSettings({ format, frameIndex: 0 });
  // The length that a BMP states is often wrong, and nobody else minds.
  settings.setDefine("BMP", "ignore-filesize", true);
  try {
    image.ping(bytes, settings);
    checkRasterSize(image, maxPixels);
    const { page } = image;
    if (format === "GIF") checkRasterSize(page, maxPixels);
    image.onWarning = ({ error }) => {
      if (error.severity === MagickErrorSeverity.CorruptImageWarning) throw error;
    };
    image.read(bytes, settings);
    if (image.colorSpace !== ColorSpace.Gray) image.colorSpace = ColorSpace.sRGB;
    // Where a BMP has no masks, the fourth byte of a pixel means nothing.
    if (format === "BMP" && bytes[30] === 0) image.alpha(AlphaAction.Off);
    const { height, width } = image;
    const data = image.getPixels((pixels) => pixels.toByteArray(0, 0, width, height, "RGBA"))!;
    if (format !== "GIF") {
      const xmp = image.getProfile("xmp")?.data ?? null;
      // Without a tag, it says 1 too. A TIFF is what EXIF data are.
      const orientation = image.orientation > 1 ? image.orientation : orientationOf({ exif: bytes, xmp });
      return { height, width, channels: 4, data, orientation };
    }
    return { ...onCanvas(data, { height, width }, page), orientation: 1 };
  } catch (cause) {
    if (cause instanceof ImageError) throw cause;
    if (cause instanceof MagickError) {
      const { ResourceLimitError, CacheError } = MagickErrorSeverity;
      const isTooLarge = cause.severity === ResourceLimitError || cause.severity === CacheError;
      const fault = isTooLarge ? "too-large" : /support/i.test(cause.message) ? "unsupported" : "damaged";
      throw new ImageError(fault, `the ${format} cannot be read: ${reasonOf(cause.message)}`, { cause });
    }
    if (cause instanceof WebAssembly.RuntimeError) {
      throw new ImageError("damaged", `the ${format} data is damaged`, { cause });
    }
    throw cause;
  } finally {
    image.dispose();
  }
};
