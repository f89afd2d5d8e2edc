import type { ImageShape } from "../../formats/pixels.ts";
import type { FeatureExtractor } from "./feature_extractor.ts";
import { type FeatureRows, forEachProduct } from "./feature_rows.ts";
import type { ImageSet } from "./image_sets.ts";

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

/**
 * The value below which a share of the values lies, linear between two of them (Hyndman & Fan's type 7, as NumPy's).
 *
 * @param share 0 … 1
 * @throws {RangeError} if there are no values
 */
export const quantile = (values: ArrayLike<number>, share: number): number => {
  if (values.length === 0) throw new RangeError("a quantile must be of one value at least, received none");
  const sorted = Float64Array.from(values).sort();
  const position = share * (sorted.length - 1), below = Math.floor(position);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (position - below) * (sorted[above] - sorted[below]);
};

/** Of each row, the image of a set that is nearest to it. */
export interface NearestImages {
  /** Its index in the set. */
  readonly index: Uint32Array;
  /** Root mean squared difference of the pixel values, 0 … 255. */
  readonly rmse: Float64Array;
}

/** Images of the set that are compared at a time. */
const CHUNK = 2048;

const squaredNorm = (values: Float32Array): number => values.reduce((sum, value) => sum + value * value, 0);

const squaredNorms = ({ data, count, size }: FeatureRows): Float64Array =>
  Float64Array.from({ length: count }, (_, i) => squaredNorm(data.subarray(i * size, (i + 1) * size)));

const squaredDistance = (a: Float32Array, b: Float32Array): number => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] - b[i]) ** 2;
  return sum;
};

/**
 * Finds for each row the nearest image of a set, by all of its pixels.
 *
 * @param rows images as `centredBytes` gives them
 * @param options.onStep receives how many images of the set were looked at since
 * @throws the signal's reason, once it aborts
 */
export const findNearestImages = async (
  rows: FeatureRows,
  set: ImageSet,
  { signal, onStep = () => {} }: { signal: AbortSignal; onStep?: (images: number) => void },
): Promise<NearestImages> => {
  const { count, size, data } = rows;
  const own = squaredNorms(rows);
  const index = new Uint32Array(count);
  const least = new Float64Array(count).fill(Infinity), exact = new Float64Array(count);
  let seen = 0;
  for await (const images of set.batches(0, set.count, { batch: CHUNK, signal, onStep: () => {} })) {
    const chunk = { data: centredBytes(images.data), count: images.data.length / size, size };
    const others = squaredNorms(chunk);
    const found = new Int32Array(count).fill(-1);
    await forEachProduct(rows, chunk, (first, products) => {
      for (let i = first, at = 0; at < products.length; i++) {
        for (let j = 0; j < chunk.count; j++, at++) {
          const distance = own[i] + others[j] - 2 * products[at];
          if (distance < least[i]) [least[i], found[i]] = [distance, j];
        }
      }
    }, { signal });
    for (let i = 0; i < count; i++) {
      const j = found[i];
      if (j < 0) continue;
      index[i] = seen + j;
      exact[i] = squaredDistance(
        data.subarray(i * size, (i + 1) * size),
        chunk.data.subarray(j * size, (j + 1) * size),
      );
    }
    seen += chunk.count;
    onStep(chunk.count);
  }
  return { index, rmse: exact.map((sum) => Math.sqrt(sum / size)) };
};
