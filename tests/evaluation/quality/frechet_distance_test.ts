import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { normal } from "../../../core/noise.ts";
import type { FeatureRows } from "../../../evaluation/quality/feature_rows.ts";
import {
  type FeatureStatistics,
  frechetDistance,
  pivotedCholesky,
  sumStatistics,
  symmetricEigenvalues,
  traceOfRoot,
} from "../../../evaluation/quality/frechet_distance.ts";
import { doubles, expected, rows } from "./fixture.ts";

const statisticsOf = ({ data, size }: FeatureRows): FeatureStatistics => {
  const sums = sumStatistics(size);
  sums.add(data as Float32Array);
  return sums.finish();
};

const near = (received: number, value: number, tolerance = 1e-6) =>
  assertAlmostEquals(received, value, tolerance * Math.max(1, Math.abs(value)));

const [samples, real] = [statisticsOf(rows("samples")), statisticsOf(rows("real"))];

Deno.test("sumStatistics has numpy's mean and covariance to 1e-12, whatever pieces the rows come in", () => {
  const { data, size } = rows("real");
  const sums = sumStatistics(size);
  for (let at = 0, n = 1; at < data.length; at += n * size, n = n * 2 + 1) {
    sums.add(data.subarray(at, at + n * size) as Float32Array);
  }
  const { mean, covariance, count } = sums.finish();
  assertEquals(count, 260);
  mean.forEach((value, i) => near(value, doubles("mean")[i], 1e-12));
  covariance.forEach((value, i) => near(value, doubles("covariance")[i], 1e-12));
});

Deno.test("sumStatistics keeps its digits where the mean is large", () => {
  const sums = sumStatistics(1);
  sums.add(Float32Array.of(1e7, 1e7 + 1, 1e7 + 2));
  const { mean, covariance } = sums.finish();
  assertEquals([mean[0], covariance[0]], [1e7 + 1, 1]);
});

Deno.test("sumStatistics refuses a single row", () => {
  const sums = sumStatistics(2);
  sums.add(Float32Array.of(1, 2));
  assertThrows(() => sums.finish(), RangeError, "at least 2 rows for a covariance, received 1");
});

Deno.test("frechetDistance is clean-fid's to 1e-6, either way round", () => {
  near(frechetDistance(samples, real), expected.frechet);
  near(frechetDistance(real, samples), expected.frechet_swapped);
  near(frechetDistance(real, real), 0);
});

Deno.test("frechetDistance is clean-fid's where features are constant or depend on each other", () => {
  const singular = ({ data, size, count }: FeatureRows): FeatureRows => {
    const changed = data.slice();
    for (let at = 0; at < changed.length; at += size) {
      changed[at + 3] = 1.5;
      changed[at + 4] = changed[at + 5] + changed[at + 6];
    }
    return { data: changed, size, count };
  };
  const [a, b] = [statisticsOf(singular(rows("samples"))), statisticsOf(singular(rows("real")))];
  near(frechetDistance(a, b), expected.frechet_singular);
});

Deno.test("frechetDistance of fewer rows than features is clean-fid's as far as that has digits", () => {
  near(frechetDistance(statisticsOf(rows("samples", 10)), statisticsOf(rows("real", 12))), expected.frechet_few, 1e-5);
});

Deno.test("frechetDistance refuses features of another number", () => {
  const one = { count: 2, mean: new Float64Array(1), covariance: new Float64Array(1) };
  assertThrows(() => frechetDistance(real, one), RangeError, "b must have 24 features, received 1");
});

Deno.test("traceOfRoot is that of scipy's sqrtm to 1e-6", () => {
  near(traceOfRoot(samples.covariance, real.covariance, 24), expected.root_trace);
});

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
