import { coverBytes } from "../formats/cover.ts";

/** A file that was passed over. */
export interface SkippedFile {
  readonly file: string;
  readonly reason: string;
  /** By what it is counted: the kind of fault, or the ending of its name where that is not read. */
  readonly kind: string;
}

/** Some images in a row, flat NHWC, 0 … 255. */
export interface SourcePiece {
  readonly images: Uint8Array;
  /** The class of each; `null` if the source has none. */
  readonly labels: Int32Array | null;
  /** How many of the source's `total` are behind this piece. */
  readonly done: number;
  readonly skipped?: readonly SkippedFile[];
  /** Whether all of these RGB images are gray. If it is said of every piece, one channel is kept. */
  readonly isGray?: boolean;
}

/** Images on their way into a cache. */
export interface DatasetSource {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  /** How many images there are to do, those among them that will be skipped. */
  readonly total: number;
  readonly classNames: readonly string[] | null;
  /** Files beside the images that are of no kind that is read. */
  readonly leftOut?: readonly SkippedFile[];
  /** The images, in an order that depends on the source alone. */
  pieces(signal?: AbortSignal): AsyncIterable<SourcePiece>;
}

/** Files of a package, by their paths in it. */
export type PackageFiles = ReadonlyMap<string, Uint8Array<ArrayBuffer>>;

/** Images of one extent that a file held, in memory: flat NHWC, 0 … 255. */
export interface ArrayImages {
  readonly count: number;
  readonly height: number;
  readonly width: number;
  /** 1: gray, 3: RGB. */
  readonly channels: number;
  readonly images: Uint8Array;
  readonly labels: ArrayLike<number> | null;
  readonly classNames: readonly string[] | null;
}

/** Images to a piece: between two of them others get their turn, and a preparation can be called off. */
const IMAGES_A_PIECE = 256;

/** One image as its middle square, resized as Pillow does. */
const fitSquare = (
  data: Uint8Array,
  { height, width, channels }: { height: number; width: number; channels: number },
  size: number,
): Uint8ClampedArray => {
  const raster = { data, height, width, channels: channels as 1 | 3, orientation: 1 };
  return coverBytes(raster, { height: size, width: size, channels });
};

/** Images in memory as a source; with `size` each is cut to its middle square and resized to that many pixels. */
export const arraySource = (array: ArrayImages, size?: number): DatasetSource => {
  const { count, height, width, channels, images, labels, classNames } = array;
  const fits = size === undefined || (height === size && width === size);
  const bytes = height * width * channels;
  const made = fits ? { height, width } : { height: size, width: size };
  const madeBytes = made.height * made.width * channels;
  const pieces = async function* (): AsyncGenerator<SourcePiece> {
    for (let first = 0; first < count; first += IMAGES_A_PIECE) {
      const last = Math.min(count, first + IMAGES_A_PIECE);
      const piece = fits ? images.subarray(first * bytes, last * bytes) : new Uint8Array((last - first) * madeBytes);
      for (let i = first; i < last && !fits; i++) {
        piece.set(fitSquare(images.subarray(i * bytes, (i + 1) * bytes), array, size), (i - first) * madeBytes);
      }
      const classes = labels && Int32Array.from({ length: last - first }, (_, i) => labels[first + i]);
      yield { images: piece, labels: classes, done: last };
      await new Promise<void>((resume) => setTimeout(resume, 0));
    }
  };
  return { ...made, channels, total: count, classNames, pieces };
};

/** More classes than any dataset of images has; a larger label is a mistake. */
const MOST_CLASSES = 100_000;

/**
 * Labels of a file as classes 0 … K − 1, with their numbers for names.
 *
 * @param name what to call the labels in an error
 * @throws {SyntaxError} if there are not `count`, or one is no integer in [0, 99999]
 */
export const numberedClasses = (
  values: ArrayLike<number | bigint>,
  count: number,
  name: string,
): { labels: Int32Array; classNames: string[] } => {
  if (values.length !== count) {
    throw new SyntaxError(`${name} must hold one label for each of ${count} images, received ${values.length}`);
  }
  const labels = Int32Array.from({ length: count }, (_, i) => {
    const label = Number(values[i]);
    if (Number.isInteger(label) && label >= 0 && label < MOST_CLASSES) return label;
    throw new SyntaxError(`${name} must hold classes 0 … ${MOST_CLASSES - 1}, received ${values[i]} for image ${i}`);
  });
  const classes = 1 + labels.reduce((most, label) => Math.max(most, label), 0);
  return { labels, classNames: Array.from({ length: classes }, (_, i) => String(i)) };
};
