import type { ImageShape } from "../../../formats/pixels.ts";
import type { FeatureExtractor } from "../feature_extractor.ts";

/** Pixel values around 0, so that products of them lose fewer digits. */
const MIDDLE = 127.5;

/** Bytes as features: each value less 127.5. */
export const centredBytes = (data: Uint8Array): Float32Array<ArrayBuffer> =>
  Float32Array.from(data, (value) => value - MIDDLE);

/** Images themselves in the place of features: their distances are those of pixels. */
export const pixelFeatures = ({ height, width, channels }: ImageShape): FeatureExtractor => ({
  name: "pixels",
  digest: `pixels-${height}x${width}x${channels}`,
  featureCount: height * width * channels,
  classes: 0,
  resize: "none",
  batch: 256,
  check: () => {},
  extract: ({ data }) => centredBytes(data),
  classify: () => new Float32Array(0),
  [Symbol.dispose]: () => {},
});
