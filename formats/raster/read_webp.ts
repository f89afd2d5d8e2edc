import webp from "@jsquash/webp/codec/dec/webp_dec.js";
import { concatBytes } from "../concat_bytes.ts";
import { orientationOf } from "../orientation.ts";
import { onCanvas } from "./on_canvas.ts";
import { checkRasterSize, ImageError, type Raster, type RasterHeader } from "./raster.ts";
import { createWasmCodec } from "./wasm_codec.ts";

/** What the chunks of a WebP say. */
interface WebpHeader extends RasterHeader {
  readonly orientation: number;
  /** The first frame of an animation; `null` where the picture is a single one. */
  readonly frame: Frame | null;
  /** Whether alpha, if there is any, means nothing, since the file says that it has none. */
  readonly isOpaque: boolean;
}

/** A frame of an animation. */
interface Frame extends RasterHeader {
  /** Its place in the picture. */
  readonly x: number;
  readonly y: number;
  /** Its chunks: VP8 or VP8L, and ALPH where there is one. */
  readonly chunks: readonly Chunk[];
}

interface Chunk {
  readonly type: string;
  readonly data: Uint8Array;
}

/** Flags of VP8X. */
const ANIMATION = 0x02, XMP = 0x04, EXIF = 0x08, ALPHA = 0x10;

const fourCharacterCode = (bytes: Uint8Array, at: number): string => String.fromCharCode(...bytes.subarray(at, at + 4));

/** Whether the bytes start as a WebP does. */
export const isWebp = (bytes: Uint8Array): boolean =>
  fourCharacterCode(bytes, 0) === "RIFF" && fourCharacterCode(bytes, 8) === "WEBP";

const lossySize = (data: Uint8Array): RasterHeader => {
  if (data[3] !== 0x9d || data[4] !== 0x01 || data[5] !== 0x2a) {
    throw new ImageError("damaged", "the WebP holds no key frame");
  }
  return { width: (data[7] << 8 | data[6]) & 0x3fff, height: (data[9] << 8 | data[8]) & 0x3fff };
};

const losslessSize = (data: Uint8Array): RasterHeader => {
  if (data[0] !== 0x2f) throw new ImageError("damaged", "the WebP's lossless data has no signature");
  const bits = (data[1] | data[2] << 8 | data[3] << 16 | data[4] << 24) >>> 0;
  return { width: (bits & 0x3fff) + 1, height: (bits >>> 14 & 0x3fff) + 1 };
};

/** The chunks of RIFF between two places. */
const chunksOf = function* (bytes: Uint8Array, from: number, end: number): Generator<Chunk, void> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = from; at + 8 <= end;) {
    const [type, length] = [fourCharacterCode(bytes, at), view.getUint32(at + 4, true)];
    if (at + 8 + length > end) throw new ImageError("damaged", `the WebP's chunk ${type} goes beyond its end`);
    yield { type, data: bytes.subarray(at + 8, at + 8 + length) };
    at += 8 + length + (length & 1);
  }
};

/** The size of the picture in a chunk; `null` if it holds none. */
const sizeOf = ({ type, data }: Chunk): RasterHeader | null => {
  if (type !== "VP8 " && type !== "VP8L") return null;
  if (data.length < (type === "VP8 " ? 10 : 5)) throw new ImageError("damaged", "the WebP's picture ends early");
  return type === "VP8 " ? lossySize(data) : losslessSize(data);
};

/** 24 bits, the lowest first. */
const uint24 = (data: Uint8Array, at: number): number => data[at] | data[at + 1] << 8 | data[at + 2] << 16;

const readFrame = (data: Uint8Array, canvas: RasterHeader): Frame => {
  if (data.length < 16) throw new ImageError("damaged", "the WebP's frame ends early");
  const [x, y] = [2 * uint24(data, 0), 2 * uint24(data, 3)];
  const chunks = [...chunksOf(data, 16, data.length)].filter(({ type }) => /^(ALPH|VP8[ L])$/.test(type));
  const size = chunks.map(sizeOf).find((size) => size !== null);
  if (size === undefined) throw new ImageError("damaged", "the WebP's frame holds no picture");
  if (x + size.width > canvas.width || y + size.height > canvas.height) {
    throw new ImageError("damaged", "the WebP's frame goes beyond its picture");
  }
  return { ...size, x, y, chunks };
};

/**
 * Walks the chunks of a WebP without decoding; those of an animation, up to the end.
 *
 * @throws {ImageError} if it ends early or contradicts itself
 */
const readWebpHeader = (bytes: Uint8Array): WebpHeader => {
  const endsEarly = () => new ImageError("damaged", `the WebP ends early, after ${bytes.length} bytes`);
  if (bytes.length < 12) throw endsEarly();
  const end = 8 + new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(4, true);
  if (end > bytes.length) throw endsEarly();
  let size: RasterHeader | null = null;
  let canvas: RasterHeader | null = null;
  let flags = 0;
  let [isAnimated, isLossy] = [false, false];
  let frame: Frame | null = null;
  let [exif, xmp]: (Uint8Array | null)[] = [null, null];
  for (const chunk of chunksOf(bytes, 12, end)) {
    const { type, data } = chunk;
    if (type === "VP8X" && canvas === null) {
      if (data.length < 10) throw endsEarly();
      flags = data[0];
      canvas = { width: uint24(data, 4) + 1, height: uint24(data, 7) + 1 };
    }
    if (type === "ANIM" && flags & ANIMATION) isAnimated = true;
    if (type === "ANMF" && canvas && isAnimated) frame ??= readFrame(data, canvas);
    if (type === "EXIF" && flags & EXIF) exif ??= data;
    if (type === "XMP " && flags & XMP) xmp ??= data;
    if (size === null && (size = sizeOf(chunk)) !== null) isLossy = type === "VP8 ";
  }
  const orientation = orientationOf({ exif, xmp });
  const lacksAlpha = canvas !== null && !(flags & ALPHA);
  if (canvas && frame) return { ...canvas, orientation, frame, isOpaque: lacksAlpha };
  if (size === null || flags & ANIMATION) throw new ImageError("damaged", "the WebP holds no picture");
  if (canvas && (canvas.width !== size.width || canvas.height !== size.height)) {
    const [says, holds] = [canvas, size].map(({ width, height }) => `${width}×${height}`);
    throw new ImageError("damaged", `the WebP says that it is ${says}, and holds ${holds}`);
  }
  return { ...size, orientation, frame: null, isOpaque: lacksAlpha && isLossy };
};

/** A frame as the file of a single picture. */
const singleWebp = ({ width, height, chunks }: Frame): Uint8Array => {
  const text = (code: string) => new TextEncoder().encode(code);
  const uint32 = (value: number) => Uint8Array.of(value, value >> 8, value >> 16, value >> 24);
  const [w, h] = [width - 1, height - 1];
  const extent = Uint8Array.of(ALPHA, 0, 0, 0, w, w >> 8, w >> 16, h, h >> 8, h >> 16);
  const hasAlpha = chunks.some(({ type }) => type === "ALPH");
  const body = concatBytes(
    [...hasAlpha ? [{ type: "VP8X", data: extent }] : [], ...chunks]
      .flatMap(({ type, data }) => [text(type), uint32(data.length), data, new Uint8Array(data.length & 1)]),
  );
  return concatBytes([text("RIFF"), uint32(4 + body.length), text("WEBP"), body]);
};

const decode = createWasmCodec({
  name: "WebP",
  wasm: import.meta.resolve("@jsquash/webp/codec/dec/webp_dec.wasm"),
  factory: webp,
});

/**
 * Reads a WebP, lossy or lossless, with libwebp in wasm; of an animation, its first frame, on what is transparent where it
 * does not cover the picture.
 *
 * @throws {ImageError} if it is damaged or larger than `maxPixels`; the size is checked first
 */
export const readWebp = async (bytes: Uint8Array, { maxPixels }: { maxPixels: number }): Promise<Raster> => {
  const { height, width, orientation, frame, isOpaque } = readWebpHeader(bytes);
  checkRasterSize({ height, width }, maxPixels);
  const picture = frame === null
    ? await decode(bytes, { height, width })
    : onCanvas((await decode(singleWebp(frame), frame)).data, frame, { height, width, x: frame.x, y: frame.y });
  const { data } = picture;
  for (let i = 3; i < data.length && isOpaque; i += 4) data[i] = 255;
  return { ...picture, orientation };
};
