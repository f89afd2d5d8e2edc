import { dot } from "./linear/dot.ts";

/** Mean and covariance of features, in float64. */
export interface FeatureStatistics {
  /** Images. */
  readonly count: number;
  /** d values. */
  readonly mean: Float64Array<ArrayBuffer>;
  /** d×d values, divided by count − 1. */
  readonly covariance: Float64Array<ArrayBuffer>;
}

/** Rows that are gathered before they are added to the sums. */
const BLOCK = 64;

/** Sums for the statistics of features that come bit by bit. */
export interface StatisticsSums {
  /** Adds rows of d features. */
  add(features: Float32Array): void;
  /** @throws {RangeError} if there are fewer than two rows */
  finish(): FeatureStatistics;
}

/**
 * Starts the statistics of rows of `size` features. The sums are taken of what the rows differ by from the first one, so
 * that a large mean costs no digits.
 */
export const sumStatistics = (size: number): StatisticsSums => {
  const origin = new Float64Array(size), sum = new Float64Array(size), products = new Float64Array(size * size);
  // Feature by feature, so that each product of two is one dot product.
  const block = new Float64Array(size * BLOCK);
  let count = 0, gathered = 0;

  const flush = () => {
    for (let i = 0; i < size; i++) {
      for (let k = 0; k < gathered; k++) sum[i] += block[i * BLOCK + k];
      for (let j = 0; j <= i; j++) products[i * size + j] += dot(block, i * BLOCK, block, j * BLOCK, gathered);
    }
    gathered = 0;
  };

  return {
    add: (features) => {
      for (let at = 0; at < features.length; at += size) {
        if (count === 0) origin.set(features.subarray(at, at + size));
        for (let i = 0; i < size; i++) block[i * BLOCK + gathered] = features[at + i] - origin[i];
        count++;
        if (++gathered === BLOCK) flush();
      }
    },
    finish: () => {
      if (count < 2) throw new RangeError(`features must have at least 2 rows for a covariance, received ${count}`);
      flush();
      const covariance = new Float64Array(size * size);
      for (let i = 0; i < size; i++) {
        for (let j = 0; j <= i; j++) {
          const value = (products[i * size + j] - sum[i] * sum[j] / count) / (count - 1);
          covariance[i * size + j] = value;
          covariance[j * size + i] = value;
        }
      }
      return { count, mean: origin.map((value, i) => value + sum[i] / count), covariance };
    },
  };
};
