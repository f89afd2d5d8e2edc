import { dot } from "./linear/dot.ts";
import { pivotedCholesky } from "./linear/pivoted_cholesky.ts";
import { symmetricEigenvalues } from "./linear/symmetric_eigenvalues.ts";
import type { FeatureStatistics } from "./statistics.ts";

/**
 * Tr (A·B)^½ of two covariances. With A = Fᵀ·F, the product has the eigenvalues of the symmetric F·B·Fᵀ, which are real
 * and not negative, unlike those that a general matrix square root finds of A·B by rounding.
 *
 * @param a,b d×d, row by row
 */
export const traceOfRoot = (a: Float64Array, b: Float64Array, size: number): number => {
  const { factor, rank } = pivotedCholesky(a, size);
  const half = new Float64Array(rank * size);
  for (let k = 0; k < rank; k++) {
    for (let i = 0; i < size; i++) half[k * size + i] = dot(factor, k * size, b, i * size, size);
  }
  const product = new Float64Array(rank * rank);
  for (let k = 0; k < rank; k++) {
    for (let l = 0; l <= k; l++) product[k * rank + l] = dot(factor, k * size, half, l * size, size);
  }
  return symmetricEigenvalues(product, rank).reduce((sum, value) => sum + Math.sqrt(Math.max(0, value)), 0);
};

/** What the distance is taken of. */
type Gaussian = Pick<FeatureStatistics, "mean" | "covariance">;

/**
 * Fréchet distance of two Gaussians, ‖μ_1 − μ_2‖² + Tr(Σ_1 + Σ_2 − 2 (Σ_1 Σ_2)^½) (Heusel et al. 2017, eq. 6): FID,
 * where the features are InceptionV3's.
 *
 * @throws {RangeError} if the two have not the same number of features
 */
export const frechetDistance = (a: Gaussian, b: Gaussian): number => {
  const size = a.mean.length;
  if (b.mean.length !== size) throw new RangeError(`b must have ${size} features, received ${b.mean.length}`);
  let distance = -2 * traceOfRoot(a.covariance, b.covariance, size);
  for (let i = 0; i < size; i++) {
    distance += (a.mean[i] - b.mean[i]) ** 2 + a.covariance[i * size + i] + b.covariance[i * size + i];
  }
  return distance;
};
