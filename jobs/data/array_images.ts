import { cover } from "../../formats/cover.ts";
import type { Piece, Source } from "./source.ts";

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
const PIECE = 256;

/** One image as its middle square, resized. Bytes are rounded half to even. */
export const fitSquare = (
  data: Uint8Array,
  { height, width, channels }: { height: number; width: number; channels: number },
  size: number,
): Uint8ClampedArray => {
  const raster = { data, height, width, channels: channels as 1 | 3, orientation: 1 };
  return Uint8ClampedArray.from(cover(raster, { height: size, width: size, channels }));
};

/** Images in memory as a source; with `size` each is cut to its middle square and resized to that many pixels. */
export const arraySource = (array: ArrayImages, size?: number): Source => {
  const { count, height, width, channels, images, labels, classNames } = array;
  const fits = size === undefined || (height === size && width === size);
  const bytes = height * width * channels;
  const made = fits ? { height, width } : { height: size, width: size };
  const madeBytes = made.height * made.width * channels;
  const pieces = async function* (): AsyncGenerator<Piece> {
    for (let first = 0; first < count; first += PIECE) {
      const last = Math.min(count, first + PIECE);
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
