import { permutation } from "../../core/noise.ts";
import type { FeatureRows } from "./feature_rows.ts";

/** An Inception Score. */
export interface InceptionScore {
  /** Mean over the splits. */
  readonly value: number;
  /** Standard deviation over the splits. */
  readonly deviation: number;
  readonly splits: number;
}

/** log softmax of a row, in float64. */
const logSoftmax = (logits: Float32Array): Float64Array => {
  const most = logits.reduce((a, b) => Math.max(a, b), -Infinity);
  const shifted = Float64Array.from(logits, (value) => value - most);
  const log = Math.log(shifted.reduce((sum, value) => sum + Math.exp(value), 0));
  return shifted.map((value) => value - log);
};

/**
 * Inception Score, exp E[KL(p(y|x) ‖ p(y))] (Salimans et al. 2016), over parts of the images in a random order.
 *
 * @param logits a row of classes an image
 * @param options.seed of the order
 * @throws {RangeError} if there are fewer images than splits
 */
export const inceptionScore = (
  { data, count, size }: FeatureRows,
  { splits = 10, seed = 0 }: { splits?: number; seed?: number } = {},
): InceptionScore => {
  if (count < splits) throw new RangeError(`logits must have at least ${splits} rows, received ${count}`);
  const order = permutation(count, { seed, epoch: 0 });
  const scores = Array.from({ length: splits }, (_, split) => {
    const part = order.subarray(Math.floor(split * count / splits), Math.floor((split + 1) * count / splits));
    const marginal = new Float64Array(size);
    let negativeEntropy = 0;
    for (const index of part) {
      const logs = logSoftmax(data.subarray(index * size, (index + 1) * size));
      for (let k = 0; k < size; k++) {
        const p = Math.exp(logs[k]);
        marginal[k] += p / part.length;
        negativeEntropy += p * logs[k] / part.length;
      }
    }
    return Math.exp(negativeEntropy - marginal.reduce((sum, p) => p > 0 ? sum + p * Math.log(p) : sum, 0));
  });
  const value = scores.reduce((sum, score) => sum + score, 0) / splits;
  const squares = scores.reduce((sum, score) => sum + (score - value) ** 2, 0);
  return { value, deviation: Math.sqrt(squares / splits), splits };
};
