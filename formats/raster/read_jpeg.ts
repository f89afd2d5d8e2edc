import mozjpeg from "@jsquash/jpeg/codec/dec/mozjpeg_dec.js";
import { exifOrientation } from "../orientation.ts";
import { checkRasterSize, ImageError, type Raster, type RasterHeader } from "./raster.ts";
import { createWasmCodec } from "./wasm_codec.ts";

/** What the segments of a JPEG say. */
export interface JpegHeader extends RasterHeader {
  readonly orientation: number;
  /** Bytes up to the end of the image; others may follow. */
  readonly length: number;
}

/** Every scan of a progressive picture costs a pass over all of it; encoders make about ten. */
const MOST_SCANS = 100;

const EXIF = "Exif\0\0";

const startsWith = (bytes: Uint8Array, text: string): boolean =>
  bytes.length >= text.length && [...text].every((char, i) => bytes[i] === char.charCodeAt(0));

/** The next marker after entropy-coded data that starts at `at`: neither a stuffed 0xff nor a restart. */
const endOfScan = (bytes: Uint8Array, at: number): number => {
  for (let i = bytes.indexOf(0xff, at); i >= 0 && i + 1 < bytes.length; i = bytes.indexOf(0xff, i + 1)) {
    const next = bytes[i + 1];
    if (next !== 0 && next !== 0xff && !(next >= 0xd0 && next <= 0xd7)) return i;
  }
  return -1;
};

const readFrame = (marker: number, data: Uint8Array): RasterHeader => {
  if (marker > 0xc2) throw new ImageError("unsupported", "the JPEG is lossless, hierarchical or arithmetic-coded");
  if (data.length < 6) throw new ImageError("damaged", "the JPEG's frame header ends early");
  const [precision, h1, h0, w1, w0, components] = data;
  if (precision !== 8) throw new ImageError("unsupported", `the JPEG has ${precision} bits a sample; 8 are read`);
  if (components !== 1 && components !== 3) {
    throw new ImageError("unsupported", `the JPEG has ${components} components, as CMYK has; gray and YCbCr are read`);
  }
  return { height: h1 << 8 | h0, width: w1 << 8 | w0 };
};

/**
 * Walks the segments of a JPEG (ITU T.81, annex B) to its end, without decoding.
 *
 * @throws {ImageError} if it ends early, contradicts itself, or is of a kind that is not read
 */
const readJpegHeader = (bytes: Uint8Array): JpegHeader => {
  const endsEarly = () => new ImageError("damaged", `the JPEG ends early, after ${bytes.length} bytes`);
  const damaged = (at: number) => new ImageError("damaged", `the JPEG has no segment at byte ${at}`);
  let frame: RasterHeader | null = null;
  let [orientation, scans] = [1, 0];
  for (let at = 2;;) {
    // A marker may have any number of 0xff before it.
    while (bytes[at] === 0xff && bytes[at + 1] === 0xff) at++;
    if (at + 1 >= bytes.length) throw endsEarly();
    const marker = bytes[at + 1];
    if (bytes[at] !== 0xff || marker < 0xc0 || (marker >= 0xd0 && marker <= 0xd8)) throw damaged(at);
    if (marker === 0xd9) {
      if (frame === null || scans === 0) throw new ImageError("damaged", "the JPEG holds no picture");
      return { ...frame, orientation, length: at + 2 };
    }
    const length = (bytes[at + 2] ?? 0) << 8 | (bytes[at + 3] ?? 0);
    if (at + 2 + Math.max(2, length) > bytes.length) throw endsEarly();
    if (length < 2) throw damaged(at);
    const data = bytes.subarray(at + 4, at + 2 + length);
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame) {
      if (frame !== null) throw new ImageError("damaged", "the JPEG has more than one frame");
      frame = readFrame(marker, data);
    }
    if (marker === 0xe1 && startsWith(data, EXIF)) orientation = exifOrientation(data.subarray(EXIF.length));
    at += 2 + length;
    if (marker !== 0xda) continue;
    if (++scans > MOST_SCANS) throw new ImageError("unsupported", `the JPEG has more than ${MOST_SCANS} scans`);
    at = endOfScan(bytes, at);
    if (at < 0) throw endsEarly();
  }
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
 * Reads a JPEG, baseline or progressive, gray or YCbCr, with mozjpeg in wasm.
 *
 * @throws {ImageError} if it is damaged, of another kind, or larger than `maxPixels`; the size is checked first
 */
export const readJpeg = async (bytes: Uint8Array, { maxPixels }: { maxPixels: number }): Promise<Raster> => {
  const header = readJpegHeader(bytes);
  checkRasterSize(header, maxPixels);
  return { ...await decode(bytes.subarray(0, header.length), header), orientation: header.orientation };
};
