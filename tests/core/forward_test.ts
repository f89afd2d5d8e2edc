import { assertAlmostEquals, assertEquals, assertLess } from "@std/assert";
import { createDiffusion, type Diffusion } from "../../core/diffusion.ts";
import { qPosterior, qStep } from "../../core/forward.ts";
import { fillNormal } from "../../core/noise.ts";
import { betaSchedule } from "../../core/schedules.ts";
import golden from "../fixtures/core/process.json" with { type: "json" };
import { assertClose } from "./assert_close.ts";

const diffusion = createDiffusion(betaSchedule("linear", 1000));
const start = Float32Array.from(golden.start);
const noise = Float32Array.from(golden.noise);
const normals = (length: number, step: number) => fillNormal(new Float32Array(length), { seed: 9, sample: 0, step });

Deno.test("the tables agree with NumPy's to 1e-12", () => {
  const { t: picked, ...tables } = golden.tables;
  for (const [name, values] of Object.entries(tables)) {
    picked.forEach((t, i) => {
      const actual = (diffusion[name as keyof Diffusion] as Float64Array)[t];
      assertAlmostEquals(actual, values[i], 1e-12 * Math.abs(values[i]), `${name}[${t}]`);
    });
  }
});

Deno.test("steps of q compose to its closed form: the moments, exactly", () => {
  let scale = 1;
  let variance = 0;
  for (let t = 0; t < 1000; t++) {
    scale *= Math.sqrt(diffusion.alphas[t]);
    variance = diffusion.alphas[t] * variance + diffusion.betas[t];
    assertAlmostEquals(scale, diffusion.sqrtAlphasCumprod[t], 1e-13);
    assertAlmostEquals(variance, diffusion.sqrtOneMinusAlphasCumprod[t] ** 2, 1e-13);
  }
});

Deno.test("steps of q compose to its closed form: by simulation, within 4 standard errors", () => {
  const n = 100_000;
  const small = createDiffusion(betaSchedule("cosine", 10));
  const x = new Float32Array(n).fill(0.7);
  for (let t = 0; t < 10; t++) {
    qStep(small, x, t, normals(n, t), x);
    const mean = x.reduce((sum, v) => sum + v, 0) / n;
    const variance = x.reduce((sum, v) => sum + (v - mean) ** 2, 0) / n;
    const expected = 1 - small.alphasCumprod[t];
    assertLess(Math.abs(mean - 0.7 * small.sqrtAlphasCumprod[t]), 4 * Math.sqrt(expected / n));
    assertLess(Math.abs(variance - expected), 4 * expected * Math.sqrt(2 / n));
  }
});

Deno.test("the posterior is what Bayes' rule gives for two Gaussian observations of x_{t−1}", () => {
  for (const t of [1, 10, 500, 999]) {
    const { alphas, betas, alphasCumprodPrev: bar } = diffusion;
    const precision = alphas[t] / betas[t] + 1 / (1 - bar[t]);
    const xt = normals(4, t);
    const x0 = normals(4, 1000 + t);
    const { mean, variance, logVarianceClipped } = qPosterior(diffusion, x0, xt, t);
    assertAlmostEquals(variance, 1 / precision, 1e-12);
    assertAlmostEquals(logVarianceClipped, -Math.log(precision), 1e-9);
    const expected = Array.from(
      xt,
      (v, i) => (Math.sqrt(alphas[t]) * v / betas[t] + Math.sqrt(bar[t]) * x0[i] / (1 - bar[t])) / precision,
    );
    assertClose(mean, expected);
  }
  const first = qPosterior(diffusion, start, noise, 0);
  assertClose(first.mean, start, 1e-6);
  assertEquals(first.variance, 0);
});
