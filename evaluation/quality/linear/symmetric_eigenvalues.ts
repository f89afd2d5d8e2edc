/** Sweeps after which a tridiagonal matrix with finite entries has long converged; 2 or 3 an eigenvalue are usual. */
const MOST_SWEEPS = 60;

/**
 * Reduces a symmetric matrix to a tridiagonal one with the same eigenvalues, by Householder's reflections (Golub & Van
 * Loan, algorithm 8.3.1). Of the matrix only the lower triangle is read, and overwritten.
 */
const tridiagonalize = (a: Float64Array, n: number): { diagonal: Float64Array; beside: Float64Array } => {
  const diagonal = new Float64Array(n), beside = new Float64Array(n), p = new Float64Array(n);
  for (let i = n - 1; i > 0; i--) {
    diagonal[i] = a[i * n + i];
    const u = a.subarray(i * n, i * n + i);
    const scale = u.reduce((sum, value) => sum + Math.abs(value), 0);
    if (i === 1 || scale === 0) {
      beside[i - 1] = u[i - 1];
      continue;
    }
    let h = 0;
    for (let k = 0; k < i; k++) {
      u[k] /= scale;
      h += u[k] * u[k];
    }
    const last = u[i - 1], norm = last >= 0 ? -Math.sqrt(h) : Math.sqrt(h);
    beside[i - 1] = scale * norm;
    h -= last * norm;
    u[i - 1] = last - norm;

    // p = A·u / h, by the lower triangle alone.
    p.fill(0, 0, i);
    for (let j = 0; j < i; j++) {
      const row = j * n, uj = u[j];
      let sum = a[row + j] * uj;
      for (let k = 0; k < j; k++) {
        sum += a[row + k] * u[k];
        p[k] += a[row + k] * uj;
      }
      p[j] += sum;
    }
    let projection = 0;
    for (let j = 0; j < i; j++) {
      p[j] /= h;
      projection += p[j] * u[j];
    }
    projection /= 2 * h;
    for (let j = 0; j < i; j++) p[j] -= projection * u[j];

    // A − u·pᵀ − p·uᵀ
    for (let j = 0; j < i; j++) {
      const row = j * n, uj = u[j], pj = p[j];
      for (let k = 0; k <= j; k++) a[row + k] -= uj * p[k] + pj * u[k];
    }
  }
  diagonal[0] = a[0];
  return { diagonal, beside };
};

/** Eigenvalues of a tridiagonal matrix by implicit QL sweeps (Golub & Van Loan, section 8.3); `d` becomes them. */
const diagonalize = (d: Float64Array, e: Float64Array): void => {
  const n = d.length;
  const firstSplit = (from: number): number => {
    let m = from;
    while (m < n - 1 && Math.abs(e[m]) > Number.EPSILON * (Math.abs(d[m]) + Math.abs(d[m + 1]))) m++;
    return m;
  };
  for (let l = 0; l < n; l++) {
    for (let m = firstSplit(l), sweep = 1; m > l; m = firstSplit(l), sweep++) {
      if (sweep > MOST_SWEEPS) {
        throw new RangeError("matrix must be scaled: its eigenvalues do not converge");
      }
      const half = (d[l + 1] - d[l]) / (2 * e[l]);
      let g = d[m] - d[l] + e[l] / (half + (half >= 0 ? 1 : -1) * Math.hypot(half, 1));
      let sine = 1, cosine = 1, shift = 0, i = m - 1;
      for (; i >= l; i--) {
        const f = sine * e[i], b = cosine * e[i], r = Math.hypot(f, g);
        e[i + 1] = r;
        if (r === 0) break;
        sine = f / r;
        cosine = g / r;
        g = d[i + 1] - shift;
        const q = (d[i] - g) * sine + 2 * cosine * b;
        shift = sine * q;
        d[i + 1] = g + shift;
        g = cosine * q - b;
      }
      if (i >= l) {
        d[i + 1] -= shift;
      } else {
        d[l] -= shift;
        e[l] = g;
      }
      e[m] = 0;
    }
  }
};

/**
 * Eigenvalues of a symmetric matrix, in no order. Without eigenvectors that takes a tenth of the time: 2048×2048 in
 * seconds, where ml-matrix's decomposition, which always has them, takes more than a minute.
 *
 * @param matrix n×n, row by row; it is overwritten
 * @throws {RangeError} if an entry is not finite
 */
export const symmetricEigenvalues = (matrix: Float64Array, n: number): Float64Array => {
  if (!matrix.every(Number.isFinite)) throw new RangeError("matrix must have finite entries");
  const { diagonal, beside } = tridiagonalize(matrix, n);
  diagonalize(diagonal, beside);
  return diagonal;
};
