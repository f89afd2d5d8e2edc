import { type FeatureRows, forEachProduct } from "./feature_rows.ts";

/** How much of one set lies on what the other spans. */
export interface PrecisionRecall {
  /** Share of the samples that lie within reach of a real image. */
  readonly precision: number;
  /** Share of the real images that lie within reach of a sample. */
  readonly recall: number;
  readonly neighbours: number;
}

/** Rows moved so that the mean of `origin` is 0: distances stay, and lose fewer digits. */
const centred = ({ data, count, size }: FeatureRows, origin: FeatureRows): FeatureRows => {
  const mean = new Float64Array(size);
  for (let i = 0; i < origin.data.length; i++) mean[i % size] += origin.data[i] / origin.count;
  return { data: data.map((value, i) => value - mean[i % size]), count, size };
};

const squaredNorms = ({ data, count, size }: FeatureRows): Float64Array => {
  const norms = new Float64Array(count);
  for (let i = 0; i < data.length; i++) norms[Math.floor(i / size)] += data[i] * data[i];
  return norms;
};

/** Squared distance of each row to its k-th nearest other one. */
const reaches = async (rows: FeatureRows, k: number, options: { signal?: AbortSignal }): Promise<Float64Array> => {
  const norms = squaredNorms(rows), reach = new Float64Array(rows.count);
  const nearest = new Float64Array(k);
  await forEachProduct(rows, rows, (first, products) => {
    for (let row = 0, at = 0; at < products.length; row++) {
      nearest.fill(Infinity);
      for (let j = 0; j < rows.count; j++, at++) {
        if (j === first + row) continue;
        const distance = norms[first + row] + norms[j] - 2 * products[at];
        if (distance >= nearest[k - 1]) continue;
        let slot = k - 1;
        for (; slot > 0 && nearest[slot - 1] > distance; slot--) nearest[slot] = nearest[slot - 1];
        nearest[slot] = distance;
      }
      reach[first + row] = nearest[k - 1];
    }
  }, options);
  return reach;
};

/**
 * Improved precision and recall (Kynkäänniemi et al. 2019): a set spans the balls around its rows that reach to the k-th
 * nearest neighbour.
 *
 * @param samples,real best of equal number, since more rows span more
 * @throws {RangeError} if a set has no k-th neighbour
 */
export const precisionRecall = async (
  samples: FeatureRows,
  real: FeatureRows,
  { neighbours = 3, signal }: { neighbours?: number; signal?: AbortSignal } = {},
): Promise<PrecisionRecall> => {
  if (Math.min(samples.count, real.count) <= neighbours) {
    throw new RangeError(
      `both sets must have more than ${neighbours} rows, received ${samples.count} and ${real.count}`,
    );
  }
  const a = centred(samples, real), b = centred(real, real);
  const [reachA, reachB] = [await reaches(a, neighbours, { signal }), await reaches(b, neighbours, { signal })];
  const [normsA, normsB] = [squaredNorms(a), squaredNorms(b)];
  const [insideA, insideB] = [new Uint8Array(a.count), new Uint8Array(b.count)];
  await forEachProduct(a, b, (first, products) => {
    for (let i = first, at = 0; at < products.length; i++) {
      for (let j = 0; j < b.count; j++, at++) {
        const distance = normsA[i] + normsB[j] - 2 * products[at];
        if (distance <= reachB[j]) insideA[i] = 1;
        if (distance <= reachA[i]) insideB[j] = 1;
      }
    }
  }, { signal });
  const share = (inside: Uint8Array) => inside.reduce((sum, one) => sum + one, 0) / inside.length;
  return { precision: share(insideA), recall: share(insideB), neighbours };
};
