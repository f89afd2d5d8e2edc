import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { frechetDistance, traceOfRoot } from "../../../evaluation/quality/frechet_distance.ts";
import type { Rows } from "../../../evaluation/quality/products.ts";
import { type FeatureStatistics, sumStatistics } from "../../../evaluation/quality/statistics.ts";
import { doubles, expected, rows } from "./fixture.ts";

const statisticsOf = ({ data, size }: Rows): FeatureStatistics => {
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
  const singular = ({ data, size, count }: Rows): Rows => {
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
