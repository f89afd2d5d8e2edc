import mozjpeg from "@jsquash/jpeg/codec/dec/mozjpeg_dec.js";
import { concatBytes } from "../concat_bytes.ts";
import { orientationOf } from "../orientation.ts";
import { startsWith } from "../starts_with.ts";
import { isFrameMarker, jpegSegments } from "./jpeg_segments.ts";
import { checkRasterSize, ImageError, type Raster, type RasterHeader } from "./raster.ts";
import { readInks } from "./read_inks.ts";
import { createWasmCodec } from "./wasm_codec.ts";

/** What the segments of a JPEG say. */
interface JpegHeader extends RasterHeader {
  /** 1: gray, 3: YCbCr or RGB, 4: CMYK or YCCK. */
  readonly components: number;
  readonly orientation: number;
  /** Bytes up to the end of the image; others may follow. */
  readonly length: number;
}

/** Every scan of a progressive picture costs a pass over all of it; encoders make about ten. */
const MOST_SCANS = 100;

const EXIF = "Exif\0\0";
const XMP = "http://ns.adobe.com/xap/1.0/\0";

const readFrame = (marker: number, data: Uint8Array): RasterHeader & { components: number } => {
  if (marker > 0xc2) throw new ImageError("unsupported", "the JPEG is lossless, hierarchical or arithmetic-coded");
  if (data.length < 6) throw new ImageError("damaged", "the JPEG's frame header ends early");
  const [precision, h1, h0, w1, w0, components] = data;
  if (precision !== 8) throw new ImageError("unsupported", `the JPEG has ${precision} bits a sample; 8 are read`);
  if (components !== 1 && components !== 3 && components !== 4) {
    throw new ImageError("unsupported", `the JPEG has ${components} components; 1, 3 and 4 are read`);
  }
  return { height: h1 << 8 | h0, width: w1 << 8 | w0, components };
};

/**
 * Walks the segments of a JPEG to its end, without decoding.
 *
 * @throws {ImageError} if it ends early, contradicts itself, or is of a kind that is not read
 */
const readJpegHeader = (bytes: Uint8Array): JpegHeader => {
  let frame: ReturnType<typeof readFrame> | null = null;
  let [scans, length] = [0, 0];
  const exif: Uint8Array[] = [];
  let xmp: Uint8Array | null = null;
  for (const { marker, data, end } of jpegSegments(bytes)) {
    if (isFrameMarker(marker)) {
      if (frame !== null) throw new ImageError("damaged", "the JPEG has more than one frame");
      frame = readFrame(marker, data);
    }
    // What says how the picture is to be turned stands before its first scan.
    if (marker === 0xe1 && scans === 0) {
      if (startsWith(data, EXIF)) exif.push(data.subarray(EXIF.length));
      if (startsWith(data, XMP)) xmp = data.subarray(XMP.length);
    }
    if (marker === 0xda && ++scans > MOST_SCANS) {
      throw new ImageError("unsupported", `the JPEG has more than ${MOST_SCANS} scans`);
    }
    length = end;
  }
  if (frame === null || scans === 0) throw new ImageError("damaged", "the JPEG holds no picture");
  return { ...frame, length, orientation: orientationOf({ exif: exif.length > 0 ? concatBytes(exif) : null, xmp }) };
};

/** Whether the bytes start as a JPEG does. */
export const isJpeg = (bytes: Uint8Array): boolean => bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff;

const decode = createWasmCodec({
  name: "JPEG",
  wasm: import.meta.resolve("@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm"),
  factory: mozjpeg,
  // Whether it turns the picture by itself.
  options: [false],
});

/**
 * Reads a JPEG, baseline or progressive, gray, YCbCr, RGB, CMYK or YCCK, with mozjpeg in wasm. As Pillow does, it steps
 * over stray bytes between segments, and makes colours of inks without their profile.
 *
 * @throws {ImageError} if it is damaged, of another kind, or larger than `maxPixels`; the size is checked first
 */
export const readJpeg = async (bytes: Uint8Array, { maxPixels }: { maxPixels: number }): Promise<Raster> => {
  const header = readJpegHeader(bytes);
  checkRasterSize(header, maxPixels);
  const file = bytes.subarray(0, header.length);
  const picture = header.components === 4 ? await readInks(file, header, decode) : await decode(file, header);
  return { ...picture, orientation: header.orientation };
};
