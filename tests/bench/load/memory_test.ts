import { assert, assertAlmostEquals, assertThrows } from "@std/assert";
import { fitTrend } from "../../../bench/load/memory.ts";
import { fillNormal } from "../../../core/noise.ts";

const line = (n: number, slope: number, noise: (i: number) => number) =>
  Array.from({ length: n }, (_, i) => 400 + slope * i + noise(i));

const normals = (seed: number, n: number) => fillNormal(new Float32Array(n), { seed, sample: 0, step: 0 });

Deno.test("fitTrend finds the slope and its error that scipy's linregress does, where neighbours are not alike", () => {
  // scipy.stats.linregress(range(8), [3, 1, 4, 1, 5, 9, 2, 6]): the residuals' likeness is negative, and left out.
  const { slope, error } = fitTrend([3, 1, 4, 1, 5, 9, 2, 6], { block: 1, span: 1 });
  assertAlmostEquals(slope, 0.5357142857142857, 1e-12);
  assertAlmostEquals(error, 0.40247955962802306, 1e-12);
});

Deno.test("fitTrend gives the slope a span, whatever the blocks", () => {
  const values = line(60, 0.5, () => 0);
  for (const block of [1, 5, 10]) assertAlmostEquals(fitTrend(values, { block, span: 60 }).slope, 30, 1e-9);
});

Deno.test("fitTrend's error holds for measurements that wander: 2 of it hold the slope in most runs", () => {
  let held = 0;
  for (let seed = 0; seed < 200; seed++) {
    const steps = normals(seed, 400);
    let last = 0;
    const { slope, error } = fitTrend(line(400, 0, (i) => last = 0.9 * last + steps[i]), { block: 10, span: 1 });
    if (Math.abs(slope) <= 2 * error) held++;
  }
  assert(held >= 176, `${held} of 200`);
});

Deno.test("fitTrend refuses too few measurements", () => {
  assertThrows(() => fitTrend([1, 2, 3], { block: 1, span: 1 }), RangeError, "at least 4");
});
