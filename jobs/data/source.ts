/** A file that was passed over. */
export interface Fault {
  readonly file: string;
  readonly reason: string;
}

/** Some images in a row, flat NHWC, 0 … 255. */
export interface Piece {
  readonly images: Uint8Array;
  /** The class of each; `null` if the source has none. */
  readonly labels: Int32Array | null;
  /** How many of the source's `total` are behind this piece. */
  readonly done: number;
  readonly skipped?: readonly Fault[];
  /** Whether all of these RGB images are gray. If it is said of every piece, one channel is kept. */
  readonly isGray?: boolean;
}

/** Images on their way into a cache. */
export interface Source {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  /** How many images there are to do, those among them that will be skipped. */
  readonly total: number;
  readonly classNames: readonly string[] | null;
  /** The images, in an order that depends on the source alone. */
  pieces(signal?: AbortSignal): AsyncIterable<Piece>;
}

/** A file that images come from, with what tells whether it has changed. */
export interface SourceFile {
  /** From the source's folder on, with slashes. */
  readonly name: string;
  readonly path: string;
  readonly bytes: number;
  /** Milliseconds since 1970. */
  readonly modified: number;
}
