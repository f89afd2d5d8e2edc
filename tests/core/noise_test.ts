import { assert, assertAlmostEquals, assertEquals, assertLess, assertThrows } from "@std/assert";
import { erfc } from "../../core/gaussian.ts";
import { DOMAINS, fillNormal, normal, normalQuantile, permutation, uniform } from "../../core/noise.ts";
import golden from "../fixtures/core/gaussian.json" with { type: "json" };
import draws from "../fixtures/core/noise.json" with { type: "json" };

const draw = (length: number, seed = 1, sample = 0, step = 0, domain = 0): Float32Array =>
  fillNormal(new Float32Array(length), { seed, sample, step, domain });

const correlation = (a: Float32Array, b: Float32Array): number => {
  let sum = 0;
  for (let i = 0; i < b.length; i++) sum += a[i] * b[i];
  return sum / b.length;
};

Deno.test("normalQuantile agrees with scipy.stats.norm.ppf and is odd", () => {
  for (const { word, z } of golden.quantiles) {
    assertAlmostEquals(normalQuantile(word), z, 2e-15 * Math.max(1, Math.abs(z)));
    assertEquals(normalQuantile(~word), -normalQuantile(word));
  }
});

Deno.test("normal is Philox at (element / 4, step, sample, domain) under the seed, through SciPy's quantile", () => {
  for (const { arguments: args, z } of draws) {
    assertEquals(normal(...args as [number, number, number, number, number]), z);
  }
});

Deno.test("10⁷ normals have the moments of the standard normal and pass a Kolmogorov–Smirnov test", () => {
  const n = 10_000_000;
  const z = draw(n, 2024);
  const sums = [0, 0, 0, 0];
  for (let i = 0; i < n; i++) {
    const v = z[i];
    const vv = v * v;
    sums[0] += v;
    sums[1] += vv;
    sums[2] += vv * v;
    sums[3] += vv * vv;
  }
  // E z^k is 0, 1, 0, 3, with variances 1, 2, 15, 96 over n.
  [[0, 1], [1, 2], [0, 15], [3, 96]].forEach(([expected, variance], k) =>
    assertLess(Math.abs(sums[k] / n - expected), 4 * Math.sqrt(variance / n), `moment ${k + 1}`)
  );

  z.sort();
  let distance = 0;
  for (let i = 0; i < n; i++) {
    const cdf = erfc(-z[i] * Math.SQRT1_2) / 2;
    distance = Math.max(distance, cdf - i / n, (i + 1) / n - cdf);
  }
  assertLess(distance * Math.sqrt(n), 1.63, "the 1 % point of the Kolmogorov distribution");
});

Deno.test("fillNormal writes normal(seed, sample, step, element, domain), element by element", () => {
  for (const [seed, sample, step, domain] of [[0, 0, 0, 0], [2 ** 53 - 1, 5, 1000, 3], [2 ** 32, 2 ** 32 - 1, 7, 1]]) {
    const filled = draw(23, seed, sample, step, domain);
    assertEquals(filled, Float32Array.from({ length: 23 }, (_, i) => normal(seed, sample, step, i, domain)));
  }
});

Deno.test("fillNormal's draws do not depend on how many are drawn", () => {
  const long = draw(101);
  for (let length = 0; length < 101; length++) assertEquals(draw(length), long.slice(0, length));
});

Deno.test("neighbouring seeds, samples, steps, domains and elements are uncorrelated", () => {
  const n = 1_000_000;
  const z = draw(n);
  const others = {
    seed: draw(n, 2),
    "seed's high word": draw(n, 1 + 2 ** 32),
    sample: draw(n, 1, 1),
    step: draw(n, 1, 0, 1),
    domain: draw(n, 1, 0, 0, 1),
    "next element": z.subarray(1),
    "next counter": z.subarray(4),
    "next row": z.subarray(3072),
  };
  const squares = z.map((v) => (v * v - 1) / Math.SQRT2);
  for (const [name, other] of Object.entries(others)) {
    assertLess(Math.abs(correlation(z, other)), 4 / Math.sqrt(other.length), name);
    const squared = other.map((v) => (v * v - 1) / Math.SQRT2);
    assertLess(Math.abs(correlation(squares, squared)), 4 / Math.sqrt(other.length), `${name}, squared`);
  }
});

Deno.test("uniform lies in [0, 1) with the mean and variance of the uniform distribution", () => {
  const n = 200_000;
  let sum = 0;
  let squares = 0;
  for (let i = 0; i < n; i++) {
    const u = uniform(3, 0, 0, i, 1);
    assert(u >= 0 && u < 1);
    sum += u;
    squares += (u - 0.5) ** 2;
  }
  assertLess(Math.abs(sum / n - 0.5), 4 * Math.sqrt(1 / 12 / n));
  assertLess(Math.abs(squares / n - 1 / 12), 4 * Math.sqrt(1 / 180 / n));
});

Deno.test("permutation is a permutation, its own in each epoch, and the same again", () => {
  const first = permutation(1000, { seed: 1, epoch: 0 });
  assertEquals(first.toSorted(), Uint32Array.from({ length: 1000 }, (_, i) => i));
  assertEquals(permutation(1000, { seed: 1, epoch: 0 }), first);
  const second = permutation(1000, { seed: 1, epoch: 1 });
  assertLess(first.filter((value, i) => value === second[i]).length, 10);
  assertEquals(permutation(0, { seed: 1, epoch: 0 }).length, 0);
});

Deno.test("permutation draws each of the 24 orders of four equally often", () => {
  const counts = new Map<string, number>();
  const n = 24_000;
  for (let epoch = 0; epoch < n; epoch++) {
    const order = permutation(4, { seed: 5, epoch }).join("");
    counts.set(order, (counts.get(order) ?? 0) + 1);
  }
  assertEquals(counts.size, 24);
  const chiSquare = [...counts.values()].reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0);
  assertLess(chiSquare, 49.7, "the 0.1 % point of χ² with 23 degrees of freedom");
});

Deno.test("the noise functions reject keys that are no integers in range, and name them", () => {
  const out = new Float32Array(4);
  const key = { seed: 0, sample: 0, step: 0 };
  assertThrows(() => fillNormal(out, { ...key, seed: -1 }), RangeError, "seed must be an integer ≥ 0, received -1");
  assertThrows(() => fillNormal(out, { ...key, seed: 2 ** 53 }), RangeError, "seed");
  assertThrows(() => fillNormal(out, { ...key, sample: 0.5 }), RangeError, "sample");
  assertThrows(() => fillNormal(out, { ...key, step: 2 ** 32 }), RangeError, "step");
  assertThrows(() => fillNormal(out, { ...key, domain: NaN }), RangeError, "domain");
  assertThrows(() => fillNormal([] as unknown as Float32Array, key), TypeError, "out must be a Float32Array");
  assertThrows(() => normal(0, 0, 0, -1), RangeError, "element");
  assertThrows(() => normal("7" as unknown as number, 0, 0, 0), TypeError, 'seed must be a number, received "7"');
  assertThrows(() => uniform(0, 0, 0, NaN, 1), RangeError, "element");
  assertThrows(() => permutation(-1, { seed: 0, epoch: 0 }), RangeError, "length");
  assertThrows(() => permutation(1, { seed: 0, epoch: 1.5 }), RangeError, "epoch");
});

Deno.test("the domains that core draws from differ", () => {
  assertEquals(new Set(Object.values(DOMAINS)).size, Object.keys(DOMAINS).length);
});
