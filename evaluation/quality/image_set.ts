import type { ByteImages, ImageShape } from "../../formats/pixels.ts";

/** A set of images that comes in batches, in an order of its own: a dataset's, or those that a model draws. */
export interface ImageSet extends ImageShape {
  /** For people to read. */
  readonly name: string;
  /** All that decides image i, whichever i: plain data. */
  readonly key: Readonly<Record<string, unknown>>;
  /** How many there are, or can be had. */
  readonly count: number;
  /**
   * The images from `first` on, up to the one before `end`.
   *
   * @param onStep hears of progress in images, which may be parts of one
   * @throws the signal's reason, once it aborts
   */
  batches(
    first: number,
    end: number,
    options: { batch: number; signal: AbortSignal; onStep: (images: number) => void },
  ): AsyncIterable<ByteImages>;
}
