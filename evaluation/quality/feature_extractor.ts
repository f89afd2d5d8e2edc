import type { ByteImages } from "../../formats/pixels.ts";

/** A network whose inner values stand for images where sets of them are compared. */
export interface FeatureExtractor extends Disposable {
  /** For people to read, with every number that comes of it. */
  readonly name: string;
  /** Differs where its features differ: of its weights and of how it looks at images. */
  readonly digest: string;
  readonly featureCount: number;
  readonly classes: number;
  /** How images are brought to its size, for people to read. */
  readonly resize: string;
  /** Images that it had best be given at a time. */
  readonly batch: number;
  /**
   * Tells whether it can take images of this extent.
   *
   * @throws {ExtractorError} if not, and what it takes
   */
  check(extent: { height: number; width: number; channels: number }): void;
  /**
   * The features of images, `featureCount` values each.
   *
   * @throws {ExtractorError} if the images are of an extent that it cannot take
   */
  extract(images: ByteImages): Float32Array<ArrayBuffer>;
  /** What it tells of classes by features, `classes` values an image, whose softmax are their probabilities. */
  classify(features: Float32Array): Float32Array;
}
