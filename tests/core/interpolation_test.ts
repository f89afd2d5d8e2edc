import { assertAlmostEquals, assertEquals, assertLess, assertNotEquals, assertThrows } from "@std/assert";
import { createDiffusion } from "../../core/diffusion.ts";
import { interpolateLatents, lerp, slerp } from "../../core/interpolation.ts";
import { fillNormal } from "../../core/noise.ts";
import { betaSchedule } from "../../core/schedules.ts";

const diffusion = createDiffusion(betaSchedule("linear", 1000));
const normals = (sample: number) => fillNormal(new Float32Array(10_000), { seed: 3, sample, step: 0 });
const norm = (x: Float32Array) => Math.hypot(...x);

Deno.test("lerp and slerp give their first argument at 0 and their second at 1", () => {
  const [a, b] = [normals(0), normals(1)];
  for (const mix of [lerp, slerp]) {
    assertEquals(mix(a, b, 0), a);
    assertEquals(mix(a, b, 1), b);
  }
});

Deno.test("slerp keeps the norm of noise where lerp loses up to 29 %", () => {
  const [a, b] = [normals(0), normals(1)];
  assertAlmostEquals(norm(slerp(a, b, 0.5)) / norm(a), 1, 0.02);
  assertAlmostEquals(norm(lerp(a, b, 0.5)) / norm(a), Math.SQRT1_2, 0.02);
});

Deno.test("slerp turns by a constant angle", () => {
  const quarter = slerp(Float32Array.of(2, 0), Float32Array.of(0, 2), 1 / 3);
  assertAlmostEquals(quarter[0], 2 * Math.cos(Math.PI / 6), 1e-6);
  assertAlmostEquals(quarter[1], 2 * Math.sin(Math.PI / 6), 1e-6);
});

Deno.test("slerp of parallel vectors, or with 0, is lerp", () => {
  const a = Float32Array.of(1, 2);
  assertEquals(slerp(a, Float32Array.of(2, 4), 0.5), Float32Array.of(1.5, 3));
  assertEquals(slerp(a, Float32Array.of(-1, -2), 0.25), Float32Array.of(0.5, 1));
  assertEquals(slerp(a, new Float32Array(2), 0.5), Float32Array.of(0.5, 1));
});

Deno.test("interpolateLatents mixes x_t of both images, each with noise of its own that λ does not change", () => {
  const start = new Float32Array(10_000).fill(0.5);
  const other = new Float32Array(10_000).fill(-0.5);
  const at = (lambda: number) => interpolateLatents(diffusion, start, other, { t: 500, lambda, seed: 7 });
  const [a, b] = [at(0), at(1)];
  assertEquals(at(0.3), lerp(a, b, 0.3));
  assertEquals(
    interpolateLatents(diffusion, start, other, { t: 500, lambda: 0.3, seed: 7, method: "spherical" }),
    slerp(a, b, 0.3),
  );
  const signal = 0.5 * diffusion.sqrtAlphasCumprod[500];
  const sigma = diffusion.sqrtOneMinusAlphasCumprod[500];
  const mean = (x: Float32Array) => x.reduce((sum, v) => sum + v, 0) / x.length;
  assertLess(Math.abs(mean(a) - signal), 4 * sigma / 100);
  assertLess(Math.abs(mean(b) + signal), 4 * sigma / 100);
  const correlation = mean(a.map((v, i) => (v - signal) * (b[i] + signal))) / sigma ** 2;
  assertLess(Math.abs(correlation), 0.04);
  assertNotEquals(at(0), interpolateLatents(diffusion, start, other, { t: 500, lambda: 0, seed: 8 }));
});

Deno.test("interpolation rejects λ outside [0, 1], unknown methods and lengths that differ, and names them", () => {
  const a = new Float32Array(4);
  const b = new Float32Array(3);
  for (const lambda of [-0.1, 1.1, NaN]) {
    assertThrows(() => lerp(a, a, lambda), RangeError, `lambda must be in [0, 1], received ${lambda}`);
    assertThrows(() => slerp(a, a, lambda), RangeError, "lambda");
  }
  assertThrows(() => lerp(a, b, 0.5), RangeError, "b must have 4 elements, received 3");
  assertThrows(() => interpolateLatents(diffusion, a, b, { t: 1, lambda: 0.5 }), RangeError, "other must have 4");
  assertThrows(() => interpolateLatents(diffusion, a, a, { t: 1000, lambda: 0.5 }), RangeError, "t must be");
  const method = "cubic" as "linear";
  assertThrows(() => interpolateLatents(diffusion, a, a, { t: 1, lambda: 0.5, method }), RangeError, "method");
});
