import { assert, assertAlmostEquals, assertLess } from "@std/assert";
import {
  betaSchedule,
  createDiffusion,
  fillNormal,
  priorBitsPerDim,
  qSample,
  type ScheduleName,
  SCHEDULES,
} from "../../core/mod.ts";
import { estimate, logNormal } from "./gaussian_case.ts";

/** The pixel value whose x_T is furthest from N(0, 1). */
const worst = Float32Array.of(1);

const worstBits = (name: ScheduleName, T = 1000) => priorBitsPerDim(createDiffusion(betaSchedule(name, T)), worst);

Deno.test("x_T is N(0, 1) but for 0.001 bits a dimension at T = 1000, whatever the image, by every schedule", () => {
  for (const name of SCHEDULES) assertLess(worstBits(name), 1e-3, name);
});

Deno.test("the paper's schedule is within 3e-5 bits of N(0, 1) at T = 1000, cosine within 1e-8", () => {
  assertLess(worstBits("linear"), 3e-5);
  assertLess(worstBits("cosine"), 1e-8);
});

Deno.test("the paper's β at a tenth of the steps leave most of the signal, which the KL says", () => {
  assert(worstBits("linear", 100) > 0.1);
});

Deno.test("docs/ddpm.md tells the KL of the prior of each schedule as it is", () => {
  const told: [ScheduleName, number, number][] = [
    ["linear", 2.9e-5, 0.33],
    ["cosine", 1.8e-9, 1.8e-7],
    ["quadratic", 5.3e-4, 0.48],
    ["sigmoid", 2.9e-5, 0.33],
    ["const", 1.2e-9, 0.10],
    ["jsd", 0, 0],
  ];
  for (const [name, thousand, hundred] of told) {
    assertAlmostEquals(worstBits(name), thousand, 0.03 * thousand, name);
    assertAlmostEquals(worstBits(name, 100), hundred, 0.03 * hundred, name);
  }
});

Deno.test("the KL of the prior is E_q[log q(x_T | x_0) − log p(x_T)], within 4 standard errors", () => {
  const n = 100_000;
  for (const T of [50, 100, 200]) {
    const diffusion = createDiffusion(betaSchedule("linear", T));
    const [signal, variance] = [diffusion.sqrtAlphasCumprod[T - 1], 1 - diffusion.alphasCumprod[T - 1]];
    const x0 = new Float32Array(n).fill(0.8);
    const x = qSample(diffusion, x0, T - 1, fillNormal(new Float32Array(n), { seed: T, sample: 0, step: 0 }));
    const ratios = Float64Array.from(x, (v) => logNormal(v, signal * Math.fround(0.8), variance) - logNormal(v, 0, 1));
    const { mean, error } = estimate(ratios);
    assertAlmostEquals(priorBitsPerDim(diffusion, x0.subarray(0, 1)) * Math.LN2, mean, 4 * error, `T = ${T}`);
    assertLess(error, 0.02 * mean);
  }
});
