/** Work on bytes that would hold up the thread that answers requests. */
import { encodeApng } from "../../formats/apng.ts";
import { decodeImage, decodeMask, type DecodeOptions } from "../../formats/decode_image.ts";
import { AS_THEY_ARE, enlarge, type Enlargement } from "../../formats/enlarge.ts";
import { encodeGif } from "../../formats/gif.ts";
import { GRID_PADDING, tile } from "../../formats/grid.ts";
import { encodeNpy, type NpyArray } from "../../formats/npy.ts";
import { encodeNpz } from "../../formats/npz.ts";
import { type ByteImages, type ImageShape, nhwcToNchw, toBytes } from "../../formats/pixels.ts";
import { encodePng } from "../../formats/png.ts";
import { ImageError } from "../../formats/raster/raster.ts";
import { type LongText, parseBody } from "../http/parse_body.ts";
import { drawStrip } from "./strip.ts";

/** An image as it comes in a request: a file's bytes, or base64 or a `data:` URL of them. */
export type ReceivedImage = Uint8Array<ArrayBuffer> | LongText | string;

/** The bytes of a file, or those that base64 or a `data:` URL of it stands for. */
const bytesOf = (received: ReceivedImage): Uint8Array<ArrayBuffer> => {
  if (received instanceof Uint8Array) return received;
  const text = typeof received === "string" ? received : new TextDecoder().decode(received.utf8);
  try {
    return Uint8Array.fromBase64(text.replace(/^data:[^,]*;base64,/i, ""));
  } catch (cause) {
    throw new ImageError("damaged", "the text is neither base64 nor a data: URL of it", { cause });
  }
};

/** `decodeImage` of what a request holds. */
const decodeReceived = (
  received: ReceivedImage,
  options: DecodeOptions,
): Promise<Float32Array<ArrayBuffer>> => decodeImage(bytesOf(received), options);

/** `decodeMask` of what a request holds. */
const decodeReceivedMask = (
  received: ReceivedImage,
  options: Omit<DecodeOptions, "channels">,
): Promise<Float32Array<ArrayBuffer>> => decodeMask(bytesOf(received), options);

/** How images become pictures. */
export interface PictureOptions extends Enlargement {
  /** Columns of a grid; near the square root of the number of images by default. */
  readonly columns?: number;
}

/** Images as one picture: a single one as it is, several as a grid. */
const arrange = (
  data: Uint8Array<ArrayBuffer>,
  shape: ImageShape,
  { columns, ...enlargement }: PictureOptions,
): ByteImages => {
  const isSingle = data.length === shape.height * shape.width * shape.channels;
  const images = enlarge({ data, ...shape }, enlargement);
  return isSingle ? images : tile(images, { columns, padding: GRID_PADDING * enlargement.scale });
};

/** Images, as bytes or as values in [-1, 1], as one PNG. */
const encodePicture = (
  images: Uint8Array<ArrayBuffer> | Float32Array,
  shape: ImageShape,
  options: PictureOptions = AS_THEY_ARE,
): Uint8Array<ArrayBuffer> =>
  encodePng(arrange(images instanceof Float32Array ? toBytes(images) : images, shape, options));

/** Each image as a PNG of its own. */
const encodeEach = (
  values: Float32Array,
  shape: ImageShape,
  enlargement: Enlargement = AS_THEY_ARE,
): Uint8Array<ArrayBuffer>[] => {
  const { data, ...extent } = enlarge({ data: toBytes(values), ...shape }, enlargement);
  const size = extent.height * extent.width * extent.channels;
  return Array.from(
    { length: data.length / size },
    (_, i) => encodePng({ data: data.slice(i * size, (i + 1) * size), ...extent }),
  );
};

/** The values as the sampler left them: float32, [n, C, H, W]. */
const encodeArray = (values: Float32Array, shape: ImageShape): Uint8Array<ArrayBuffer> => {
  const { height, width, channels } = shape;
  const n = values.length / (height * width * channels);
  return encodeNpy({ dtype: "float32", shape: [n, channels, height, width], data: nhwcToNchw(values, shape) });
};

/**
 * What evaluation scripts read: `arr_0` holds bytes [n, H, W, C], `arr_1` the classes where the images have any.
 */
const encodeArchive = (
  values: Float32Array,
  shape: ImageShape,
  labels: readonly number[] | null,
): Uint8Array<ArrayBuffer> => {
  const { height, width, channels } = shape;
  const n = values.length / (height * width * channels);
  const arrays: Record<string, NpyArray> = {
    arr_0: { dtype: "uint8", shape: [n, height, width, channels], data: toBytes(values) },
  };
  if (labels) arrays.arr_1 = { dtype: "int64", shape: [n], data: BigInt64Array.from(labels, BigInt) };
  return encodeNpz(arrays);
};

/** The longest that a frame of a GIF or an APNG should be shown, the shortest, and how long the last one stays. */
const TIMING = { longest: 500, shortest: 20, hold: 2000 } as const;

/** Milliseconds that a film lasts before its last frame. */
const DURATION = 3000;

/** Frames of images, bytes n·H·W·C each, as a film: every frame a picture of all images. */
const encodeFilm = (
  format: "apng" | "gif",
  frames: readonly Uint8Array<ArrayBuffer>[],
  shape: ImageShape,
  options: PictureOptions = AS_THEY_ARE,
): Uint8Array<ArrayBuffer> => {
  const even = Math.round(DURATION / frames.length);
  const delay = Math.min(TIMING.longest, Math.max(TIMING.shortest, even));
  const timing = { delay, hold: TIMING.hold };
  // A GIF's colours are found sooner among the pixels as they are.
  const isLate = format === "gif" && options.resampler === "nearest";
  const pictures = frames.map((frame) => arrange(frame, shape, isLate ? { ...options, scale: 1 } : options));
  const film = { ...pictures[0], frames: pictures.map(({ data }) => data) };
  return format === "gif"
    ? encodeGif(film, { ...timing, scale: isLate ? options.scale : 1 })
    : encodeApng(film, timing);
};

/** The work, by name. */
export const codecs = {
  parseBody,
  decodeReceived,
  decodeReceivedMask,
  drawStrip,
  encodeArchive,
  encodeArray,
  encodeEach,
  encodeFilm,
  encodePicture,
};

/** The functions that a codec's worker can run. */
export type Codecs = typeof codecs;
