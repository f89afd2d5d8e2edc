import { assertAlmostEquals, assertLess } from "@std/assert";
import {
  betaSchedule,
  boundTerm,
  createDiffusion,
  fillNormal,
  lossWeights,
  normalKl,
  qPosterior,
  qSample,
  simpleLoss,
  uniform,
} from "../../core/mod.ts";
import { estimate } from "./gaussian_case.ts";

const T = 1000, D = 256;
const diffusion = createDiffusion(betaSchedule("linear", T));
const normals = (step: number) => fillNormal(new Float32Array(D), { seed: 12, sample: 0, step });
const start = normals(0).map((z) => Math.max(-1, Math.min(1, z / 2)));

/** At one t: x_t of a draw of ε, and what a network answers that is off by half a standard normal. */
const drawAt = (t: number, draw = 0) => {
  const noise = normals(2 * (t + T * draw) + 1);
  const wrong = normals(2 * (t + T * draw) + 2);
  const xt = qSample(diffusion, start, t, noise);
  return { xt, t, output: noise.map((value, i) => value + 0.5 * wrong[i]), noise };
};

for (const variance of ["fixed_small", "fixed_large"] as const) {
  const weights = lossWeights(diffusion, "vlb", { variance });

  Deno.test(`eq. 12: every L_{t−1} is β²/(2σ²α(1 − ᾱ)) times L_simple's term and a constant, with ${variance}`, () => {
    const { betas, alphas, alphasCumprod, posteriorVariance } = diffusion;
    for (let t = 1; t < T; t++) {
      const { noise, ...options } = drawAt(t);
      const sigma2 = variance === "fixed_small" ? posteriorVariance[t] : betas[t];
      const weight = betas[t] ** 2 / (2 * sigma2 * alphas[t] * (1 - alphasCumprod[t]));
      assertAlmostEquals(weights[t] / weight, 1, 1e-9);
      const constant = normalKl(0, Math.log(posteriorVariance[t]), 0, Math.log(sigma2));
      const nats = boundTerm(diffusion, start, { ...options, variance }).bits * Math.LN2;
      const weighted = weight * simpleLoss(noise, options.output) + constant;
      assertLess(Math.abs(nats / weighted - 1), 2e-3, `t = ${t}`);
    }
  });

  Deno.test(`eq. 8: every L_{t−1} is ‖μ̃ − μ_θ‖²/(2σ²) and a constant, with ${variance}`, () => {
    const { betas, posteriorVariance } = diffusion;
    for (let t = 1; t < T; t += 7) {
      const { noise: _, ...options } = drawAt(t);
      const term = boundTerm(diffusion, start, { ...options, variance });
      const { mean } = qPosterior(diffusion, start, options.xt, t);
      const sigma2 = variance === "fixed_small" ? posteriorVariance[t] : betas[t];
      const constant = normalKl(0, Math.log(posteriorVariance[t]), 0, Math.log(sigma2));
      assertAlmostEquals(term.bits * Math.LN2, simpleLoss(mean, term.mean) / (2 * sigma2) + constant, 1e-5);
    }
  });
}

Deno.test("one t drawn at random, weighted, estimates the whole sum of L_{t−1} without bias: within 4 standard errors", () => {
  const weights = lossWeights(diffusion, "vlb");
  let sum = 0;
  for (let t = 1; t < T; t++) {
    const { noise: _, ...options } = drawAt(t);
    sum += boundTerm(diffusion, start, options).bits * Math.LN2;
  }
  const draws = Float64Array.from({ length: 4000 }, (_, i) => {
    const t = 1 + Math.floor((T - 1) * uniform(5, 0, 0, i, 1));
    const { noise, output } = drawAt(t, 1 + (i % 3));
    return (T - 1) * weights[t] * simpleLoss(noise, output);
  });
  const { mean, error } = estimate(draws);
  assertLess(Math.abs(mean - sum), 4 * error);
  assertLess(error, 0.15 * sum);
});

Deno.test("against the bound L_simple weighs t = 2 down by 58, next to t = 100 of the paper's schedule", () => {
  const weights = lossWeights(diffusion, "vlb");
  assertAlmostEquals(weights[1] / weights[99], 58.4, 0.1);
});
