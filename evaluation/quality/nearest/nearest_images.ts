import type { ImageSet } from "../image_set.ts";
import { forProducts, type Rows } from "../products.ts";
import { centredBytes } from "./pixels.ts";

/** Of each row, the image of a set that is nearest to it. */
export interface Nearest {
  /** Its index in the set. */
  readonly index: Uint32Array;
  /** Root mean squared difference of the pixel values, 0 … 255. */
  readonly rmse: Float64Array;
}

/** Images of the set that are compared at a time. */
const CHUNK = 2048;

const squaredNorm = (values: Float32Array): number => values.reduce((sum, value) => sum + value * value, 0);

const norms = ({ data, count, size }: Rows): Float64Array =>
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
 * @param options.onStep hears how many images of the set were looked at since
 * @throws the signal's reason, once it aborts
 */
export const nearestImages = async (
  rows: Rows,
  set: ImageSet,
  { signal, onStep = () => {} }: { signal: AbortSignal; onStep?: (images: number) => void },
): Promise<Nearest> => {
  const { count, size, data } = rows;
  const own = norms(rows);
  const index = new Uint32Array(count);
  const least = new Float64Array(count).fill(Infinity), exact = new Float64Array(count);
  let seen = 0;
  for await (const images of set.batches(0, set.count, { batch: CHUNK, signal, onStep: () => {} })) {
    const chunk = { data: centredBytes(images.data), count: images.data.length / size, size };
    const others = norms(chunk);
    const found = new Int32Array(count).fill(-1);
    await forProducts(rows, chunk, (first, products) => {
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
