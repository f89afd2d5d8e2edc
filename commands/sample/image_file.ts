import { extname } from "@std/path";
import { AS_THEY_ARE, enlarge, type Enlargement } from "../../formats/enlarge.ts";
import { GRID_PADDING, gridSize, tile } from "../../formats/grid.ts";
import { type NpyArray, npyHeader } from "../../formats/npy.ts";
import { streamNpz } from "../../formats/npz.ts";
import { type ImageShape, nhwcToNchw, toBytes } from "../../formats/pixels.ts";
import { encodePng } from "../../formats/png.ts";
import { UsageError } from "../cli/command.ts";
import { openPendingFile } from "../cli/pending_file.ts";

/** What a file of images holds: `float32` is NCHW as the sampler left it, `uint8` is NHWC in 0 … 255. */
export type ImageFileType = "float32" | "uint8";

/** A file of images that grows beside its place and moves there when it is whole. */
export interface ImageFileWriter {
  /** Adds images: flat NHWC, values in [−1, 1]. */
  append(images: Float32Array): void;
  /** Ends the file and moves it to its place. */
  finish(): void;
  /** Removes what was written; after `finish` it does nothing. */
  [Symbol.dispose](): void;
}

/** A grid beyond this would not fit into memory with its encoding. */
const MOST_PIXELS = 2 ** 26;

/** Extent of the picture that shows so many images. */
const pictureSize = (count: number, shape: ImageShape, { scale }: Pick<Enlargement, "scale">) => {
  const { height, width } = gridSize(count, shape);
  return { height: height * scale, width: width * scale };
};

/** The most images, up to `wanted`, that a file of this name takes: a grid of large ones has a limit. */
export const mostImages = (
  path: string,
  wanted: number,
  shape: ImageShape,
  enlargement: Pick<Enlargement, "scale"> = AS_THEY_ARE,
): number => {
  if (extname(path).toLowerCase() !== ".png") return wanted;
  for (let count = wanted; count > 1; count--) {
    const { height, width } = pictureSize(count, shape, enlargement);
    if (height * width <= MOST_PIXELS) return count;
  }
  return 1;
};

const KINDS = [".png", ".npy", ".npz"] as const;
type Kind = typeof KINDS[number];

/**
 * What `--out`, `--dtype` and `--scale` ask for, checked before any work: the kind of file by its ending, and what it
 * holds.
 *
 * @throws {UsageError} if the ending is another, a picture is asked to hold floats, or an array to be larger
 */
export const imageFileKind = (
  path: string,
  { dtype, scale = 1 }: { dtype?: ImageFileType; scale?: number } = {},
): { kind: Kind; dtype: ImageFileType } => {
  const kind = KINDS.find((ending) => ending === extname(path).toLowerCase());
  if (!kind) throw new UsageError(`--out must end in ${KINDS.join(", ")}, received ${JSON.stringify(path)}`);
  if (kind === ".png" && dtype === "float32") {
    throw new UsageError("--dtype must be uint8 for a .png, received float32");
  }
  if (kind !== ".png" && scale !== 1) {
    throw new UsageError(`--scale must be 1 for a ${kind}, which holds the values as they are, received ${scale}`);
  }
  return { kind, dtype: dtype ?? (kind === ".npy" ? "float32" : "uint8") };
};

type Body = Pick<ImageFileWriter, "append"> & { end(): void };

/** What a file is opened for. */
export interface ImageFileOptions extends ImageShape {
  readonly count: number;
  readonly dtype?: ImageFileType;
  /** The class of each image. */
  readonly labels?: readonly number[] | null;
  /** How large a picture is. @default as the images are */
  readonly scale?: number;
  readonly resampler?: Enlargement["resampler"];
}

/** Gray bytes three times: evaluation scripts read images of three channels alone. */
const grayAsRgb = (bytes: Uint8Array): Uint8Array => {
  const colour = new Uint8Array(bytes.length * 3);
  for (let i = 0, at = 0; i < bytes.length; i++, at += 3) colour.fill(bytes[i], at, at + 3);
  return colour;
};

const labelsArray = (labels: readonly number[]): Record<string, NpyArray> => ({
  arr_1: { dtype: "int64", shape: [labels.length], data: BigInt64Array.from(labels, BigInt) },
});

const openPng = (
  write: (bytes: Uint8Array) => void,
  count: number,
  shape: ImageShape,
  enlargement: Enlargement,
): Body => {
  const { height, width } = pictureSize(count, shape, enlargement);
  if (height * width > MOST_PIXELS) {
    const [names, are, received] = enlargement.scale === 1
      ? ["--n", "write .npy or .npz", `${count}`]
      : ["--scale or --n", "2²⁶ pixels fit", `${enlargement.scale} and ${count}`];
    throw new UsageError(
      `${names} must be smaller for a .png, received ${received}: its grid would be ${width}×${height} pixels; ${are}`,
    );
  }
  if (shape.channels > 4) {
    throw new UsageError(`--out must end in .npy or .npz for images of ${shape.channels} channels`);
  }
  const data = new Uint8Array(count * shape.height * shape.width * shape.channels);
  let filled = 0;
  return {
    append: (images) => {
      data.set(toBytes(images), filled);
      filled += images.length;
    },
    end: () => {
      const padding = GRID_PADDING * enlargement.scale;
      write(encodePng(tile(enlarge({ data, ...shape }, enlargement), { padding })));
    },
  };
};

const openArray = (
  write: (bytes: Uint8Array) => void,
  { count, labels, ...shape }: ImageFileOptions,
  { kind, dtype }: { kind: Kind; dtype: ImageFileType },
): Body => {
  const { height, width, channels } = shape;
  const isColoured = kind === ".npz" && dtype === "uint8" && channels === 1;
  const extents = dtype === "uint8"
    ? [count, height, width, isColoured ? 3 : channels]
    : [count, channels, height, width];
  const bytesOf = (images: Float32Array) => {
    if (dtype === "float32") return new Uint8Array(nhwcToNchw(images, shape).buffer);
    return isColoured ? grayAsRgb(toBytes(images)) : toBytes(images);
  };
  if (kind === ".npy") {
    write(npyHeader(dtype, extents));
    return { append: (images) => write(bytesOf(images)), end: () => {} };
  }
  const stream = streamNpz({ name: "arr_0", dtype, shape: extents }, write);
  return {
    append: (images) => stream.push(bytesOf(images)),
    end: () => stream.end(labels ? labelsArray(labels) : {}),
  };
};

/**
 * Opens a file for `count` images. A `.png` holds them as one grid; `.npy` and `.npz` (as `arr_0`) as one array, written
 * as the images come. An `.npz` of bytes is what guided-diffusion's evaluator reads and its sampling scripts write: gray
 * images are RGB there, and the classes are `arr_1`. Until `finish`, the bytes lie in a hidden file beside it, so that no
 * half-written file is seen.
 *
 * @throws {UsageError} if it cannot be written, or the picture would be too large
 */
export const openImageFile = (
  path: string,
  { count, dtype, labels, scale = 1, resampler = "nearest", ...shape }: ImageFileOptions,
): ImageFileWriter => {
  const format = imageFileKind(path, { dtype, scale });
  const file = openPendingFile(path, "sample");
  try {
    const body = format.kind === ".png"
      ? openPng(file.write, count, shape, { scale, resampler })
      : openArray(file.write, { count, labels, ...shape }, format);
    return {
      append: body.append,
      finish: () => {
        body.end();
        file.finish();
      },
      [Symbol.dispose]: file[Symbol.dispose],
    };
  } catch (error) {
    file[Symbol.dispose]();
    throw error;
  }
};
