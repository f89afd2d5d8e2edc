import { dot } from "./dot.ts";

/**
 * Factors a symmetric matrix without negative eigenvalues as Fᵀ·F, F of as many rows as the matrix has rank: Cholesky's
 * factorization, in which the largest diagonal entry that is left comes next (Higham 1990). It needs no inverse, so that
 * constant and dependent features do no harm.
 *
 * @param matrix n×n, row by row; not written to
 * @returns the rows of F, each n long; `rank` of them
 */
export const pivotedCholesky = (matrix: Float64Array, n: number): { factor: Float64Array; rank: number } => {
  const left = Float64Array.from({ length: n }, (_, i) => matrix[i * n + i]);
  // What rounding may have left on the diagonal of a matrix that is used up.
  const nothing = n * Number.EPSILON * left.reduce((most, entry) => Math.max(most, entry), 0);
  // Columns of F, so that a new row of it is made of dot products.
  const columns = new Float64Array(n * n);
  let rank = 0;
  for (; rank < n; rank++) {
    const pivot = left.reduce((best, entry, i) => entry > left[best] ? i : best, 0);
    if (!(left[pivot] > nothing)) break;
    const root = Math.sqrt(left[pivot]);
    for (let i = 0; i < n; i++) {
      if (left[i] === -Infinity) continue;
      const value = (matrix[pivot * n + i] - dot(columns, pivot * n, columns, i * n, rank)) / root;
      columns[i * n + rank] = value;
      left[i] -= value * value;
    }
    columns[pivot * n + rank] = root;
    left[pivot] = -Infinity;
  }
  const factor = new Float64Array(rank * n);
  for (let i = 0; i < n; i++) for (let k = 0; k < rank; k++) factor[k * n + i] = columns[i * n + k];
  return { factor, rank };
};
