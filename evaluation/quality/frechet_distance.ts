/** Σ a[i + k]·b[j + k] over k = 0 … length − 1, in float64. */
const dot = (a: Float64Array, i: number, b: Float64Array, j: number, length: number): number => {
  let s0 = 0, s1 = 0, s2 = 0, s3 = 0, k = 0;
  for (const whole = length & ~3; k < whole; k += 4) {
    s0 += a[i + k] * b[j + k];
    s1 += a[i + k + 1] * b[j + k + 1];
    s2 += a[i + k + 2] * b[j + k + 2];
    s3 += a[i + k + 3] * b[j + k + 3];
  }
  for (; k < length; k++) s0 += a[i + k] * b[j + k];
  return (s0 + s1) + (s2 + s3);
};

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
