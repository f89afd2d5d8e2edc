import type { ImageShape } from "../../formats/pixels.ts";

/** Values of parameters as a request can give them. */
export type Parameters = Readonly<Record<string, string | number | boolean>>;

/** What tells one image of a drawing from the others: its class, its λ, its timestep. */
export type Item = Readonly<Record<string, string | number>>;

/** What a drawing is made with; it stands in the headers of the answer and in its JSON. */
export interface DrawingHead {
  /** The resource that was asked: `generate`, `img2img` … */
  readonly task: string;
  /** The model's name. */
  readonly model: string;
  readonly engine: { readonly name: string; readonly version: string; readonly device: string };
  /** Every choice that was made, the seed among them: the same parameters make the same images. */
  readonly parameters: Parameters;
}

/** Images that have been drawn. */
export interface Drawing {
  readonly head: DrawingHead;
  readonly shape: ImageShape;
  /** n·H·W·C, NHWC, in [-1, 1]. */
  readonly values: Float32Array<ArrayBuffer>;
  /** One entry an image. */
  readonly items: readonly Item[];
  /** Class of each image, by index; null where the images have none. */
  readonly labels: readonly number[] | null;
  /** Columns of the picture that shows all images; near the square root of their number by default. */
  readonly columns?: number;
  /** What was found out about the images, by name. */
  readonly measures: Readonly<Record<string, number>>;
  /** Its film: bytes n·H·W·C a frame. */
  readonly frames: readonly Uint8Array<ArrayBuffer>[];
  /** Seconds that it waited for its turn, and that it took then. */
  readonly seconds: { readonly waiting: number; readonly drawing: number };
}
