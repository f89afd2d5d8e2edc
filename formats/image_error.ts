/** Why an image cannot be read. */
export type ImageFault =
  /** No format that is read, or a kind of it that is not. */
  | "unsupported"
  /** More pixels than may be. */
  | "too-large"
  /** The file ends early or contradicts itself. */
  | "damaged";

/** An image that comes from outside cannot be read. The message says why, in terms of the file. */
export class ImageError extends Error {
  override name = "ImageError";

  constructor(readonly fault: ImageFault, message: string, options?: ErrorOptions) {
    super(message, options);
  }
}
