import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { normal } from "../../../core/noise.ts";
import { pivotedCholesky } from "../../../evaluation/quality/linear/pivoted_cholesky.ts";
import { symmetricEigenvalues } from "../../../evaluation/quality/linear/symmetric_eigenvalues.ts";

const sorted = (values: Float64Array) => [...values].sort((a, b) => a - b);

/** Q·diag(values)·Qᵀ, with Q the reflection by a random vector. */
const withEigenvalues = (values: readonly number[]): Float64Array => {
  const n = values.length;
  const v = Float64Array.from({ length: n }, (_, i) => normal(5, 0, 0, i));
  const square = v.reduce((sum, x) => sum + x * x, 0);
  const q = (i: number, k: number) => (i === k ? 1 : 0) - 2 * v[i] * v[k] / square;
  return Float64Array.from(
    { length: n * n },
    (_, at) => values.reduce((sum, value, k) => sum + q(Math.floor(at / n), k) * value * q(at % n, k), 0),
  );
};

Deno.test("symmetricEigenvalues finds the eigenvalues that a matrix was made of", () => {
  for (
    const values of [
      [3],
      [-1, 2],
      [0, 0, 0, 5],
      [-4, 1, 1, 1, 2, 8, 1e-9],
      Array.from({ length: 40 }, (_, i) => i * i),
    ]
  ) {
    const found = sorted(symmetricEigenvalues(withEigenvalues(values), values.length));
    const most = Math.max(...values.map(Math.abs));
    sorted(Float64Array.from(values)).forEach((value, i) => assertAlmostEquals(found[i], value, 1e-13 * most * 10));
  }
});

Deno.test("symmetricEigenvalues takes a matrix that is diagonal, or tridiagonal with zeros", () => {
  assertEquals(sorted(symmetricEigenvalues(Float64Array.of(2, 0, 0, 0, 7, 0, 0, 0, -3), 3)), [-3, 2, 7]);
  const found = sorted(symmetricEigenvalues(Float64Array.of(2, 1, 0, 1, 2, 0, 0, 0, 5), 3));
  [1, 3, 5].forEach((value, i) => assertAlmostEquals(found[i], value, 1e-14));
});

Deno.test("symmetricEigenvalues refuses entries that are not finite, rather than going on for ever", () => {
  assertThrows(() => symmetricEigenvalues(Float64Array.of(1, NaN, NaN, 1), 2), RangeError, "finite entries");
});

Deno.test("pivotedCholesky gives back the matrix, with as many rows as its rank", () => {
  for (const [values, rank] of [[[1, 2, 3, 4], 4], [[0, 2, 0, 4, 1e-3], 3], [[0, 0], 0]] as const) {
    const n = values.length, matrix = withEigenvalues(values);
    const found = pivotedCholesky(matrix, n);
    assertEquals(found.rank, rank);
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) {
        let product = 0;
        for (let k = 0; k < rank; k++) product += found.factor[k * n + i] * found.factor[k * n + j];
        assertAlmostEquals(product, matrix[i * n + j], 1e-14 * 10);
      }
    }
  }
});
