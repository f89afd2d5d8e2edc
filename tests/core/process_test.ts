import { assertAlmostEquals, assertEquals, assertLess, assertThrows } from "@std/assert";
import { boundTerm } from "../../core/bound.ts";
import { createDiffusion, type Diffusion } from "../../core/diffusion.ts";
import { qPosterior, qSample, qStep } from "../../core/forward.ts";
import { fillNormal } from "../../core/noise.ts";
import {
  pMeanVariance,
  predictEpsilon,
  type Prediction,
  PREDICTIONS,
  predictStart,
  trainingTarget,
  type Variance,
  velocity,
} from "../../core/reverse.ts";
import { betaSchedule, rescaleZeroTerminalSnr } from "../../core/schedules.ts";
import golden from "../fixtures/core/process.json" with { type: "json" };

const diffusion = createDiffusion(betaSchedule("linear", 1000));
const start = Float32Array.from(golden.start);
const noise = Float32Array.from(golden.noise);
const normals = (length: number, step: number) => fillNormal(new Float32Array(length), { seed: 9, sample: 0, step });

/** Equal to 1e-6 of the largest magnitude: the images are float32. */
const assertClose = (actual: ArrayLike<number>, expected: ArrayLike<number>, relative = 1e-6, message = "") => {
  assertEquals(actual.length, expected.length);
  const scale = Math.max(1, ...Array.from(expected, Math.abs));
  for (let i = 0; i < expected.length; i++) assertAlmostEquals(actual[i], expected[i], relative * scale, message);
};

Deno.test("the tables agree with NumPy's to 1e-12", () => {
  const { t: picked, ...tables } = golden.tables;
  for (const [name, values] of Object.entries(tables)) {
    picked.forEach((t, i) => {
      const actual = (diffusion[name as keyof Diffusion] as Float64Array)[t];
      assertAlmostEquals(actual, values[i], 1e-12 * Math.abs(values[i]), `${name}[${t}]`);
    });
  }
});

Deno.test("qSample, velocity, predictStart and pMeanVariance agree with diffusers, boundTerm with SciPy", () => {
  for (const step of golden.steps) {
    const { t, clip } = step;
    const prediction = step.prediction as Prediction;
    const variance = step.variance as Variance;
    const message = `${prediction} ${variance} t = ${t} clip ${clip}`;
    const learned = variance === "learned_range";
    const full = Float32Array.from(golden.output);
    const output = learned ? full : full.filter((_, i) => i % 6 < 3);

    const xt = qSample(diffusion, start, t, noise);
    assertClose(xt, step.xt, 1e-6, message);
    assertClose(velocity(diffusion, start, t, noise), step.velocity, 1e-6, message);
    const options = { xt, t, output, prediction, variance, channels: 3, clip: clip ?? Infinity };
    const term = boundTerm(diffusion, start, options);
    assertClose(term.start, step.start, 1e-6, message);
    assertClose(term.mean, step.mean, 1e-6, message);
    assertClose(term.logVariance, step.logVariance, 1e-6, message);
    assertAlmostEquals(term.bits, step.bits, 1e-9 + 1e-5 * Math.abs(step.bits), message);
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

Deno.test("predictStart recovers x_0 and predictEpsilon ε from the training target, for every prediction", () => {
  for (const prediction of PREDICTIONS) {
    for (const t of [0, 1, 50, 500, 999]) {
      const xt = qSample(diffusion, start, t, noise);
      const target = trainingTarget(diffusion, prediction, start, t, noise);
      // Float32 rounding of x_t is magnified by 1/√ᾱ_t on the way to x_0 and by 1/√(1 − ᾱ_t) to ε.
      const tolerance = 3e-7 / Math.min(diffusion.sqrtAlphasCumprod[t], diffusion.sqrtOneMinusAlphasCumprod[t]);
      assertClose(predictStart(diffusion, prediction, xt, t, target), start, tolerance, `${prediction} at ${t}`);
      assertClose(predictEpsilon(diffusion, prediction, xt, t, target), noise, tolerance, `${prediction} at ${t}`);
    }
  }
});

Deno.test("pMeanVariance's mean is Algorithm 2's: 1/√α_t (x_t − (1 − α_t)/√(1 − ᾱ_t) ε)", () => {
  const xt = normals(64, 1);
  const output = normals(64, 2);
  for (const t of [0, 1, 500, 999]) {
    const { mean } = pMeanVariance(diffusion, { xt, t, output });
    const factor = (1 - diffusion.alphas[t]) / Math.sqrt(1 - diffusion.alphasCumprod[t]);
    assertClose(mean, Array.from(xt, (v, i) => (v - factor * output[i]) / Math.sqrt(diffusion.alphas[t])));
  }
});

Deno.test("pMeanVariance reads a learned variance as log σ², pixel by pixel", () => {
  const output = Float32Array.of(1, 2, -5, -6, 3, 4, -7, -8);
  const options = { xt: new Float32Array(4), t: 10, output, channels: 2 };
  const reverse = pMeanVariance(diffusion, { ...options, prediction: "sample", variance: "learned" });
  assertEquals(reverse.start, Float32Array.of(1, 2, 3, 4));
  assertEquals(reverse.logVariance, Float32Array.of(-5, -6, -7, -8));
});

Deno.test("a learned range runs from β̃_t at −1 to β_t at 1", () => {
  const output = Float32Array.of(0, -1, 0, 1);
  const { logVariance } = pMeanVariance(diffusion, {
    xt: new Float32Array(2),
    t: 10,
    output,
    channels: 1,
    variance: "learned_range",
  });
  assertClose(logVariance, [Math.log(diffusion.posteriorVariance[10]), Math.log(diffusion.betas[10])], 1e-7);
});

Deno.test("a schedule of zero terminal SNR reverses from v and x_0, and refuses ε at its end", () => {
  const zero = createDiffusion(rescaleZeroTerminalSnr(betaSchedule("linear", 100)));
  const v = velocity(zero, start, 99, noise);
  assertClose(predictStart(zero, "v_prediction", noise, 99, v), start);
  assertClose(predictEpsilon(zero, "sample", noise, 99, start), noise);
  assertThrows(() => predictStart(zero, "epsilon", noise, 99, noise), RangeError, "prediction must be sample");
});

Deno.test("the forward and reverse process reject bad timesteps, names and lengths, and name them", () => {
  const xt = new Float32Array(4);
  const output = new Float32Array(4);
  const short = new Float32Array(3);
  for (const t of [-1, 1000, 0.5, NaN]) {
    const message = `t must be an integer in [0, 999], received ${t}`;
    assertThrows(() => qStep(diffusion, xt, t, output), RangeError, message);
    assertThrows(() => qSample(diffusion, xt, t, output), RangeError, message);
    assertThrows(() => qPosterior(diffusion, xt, xt, t), RangeError, message);
    assertThrows(() => predictStart(diffusion, "epsilon", xt, t, output), RangeError, message);
    assertThrows(() => predictEpsilon(diffusion, "epsilon", xt, t, output), RangeError, message);
    assertThrows(() => velocity(diffusion, xt, t, output), RangeError, message);
    assertThrows(() => trainingTarget(diffusion, "epsilon", xt, t, output), RangeError, message);
    assertThrows(() => pMeanVariance(diffusion, { xt, t, output }), RangeError, message);
  }
  const length = (name: string) => `${name} must have 4 elements, received 3`;
  assertThrows(() => qSample(diffusion, xt, 0, short), RangeError, length("noise"));
  assertThrows(() => qSample(diffusion, xt, 0, output, short), RangeError, length("out"));
  assertThrows(() => qPosterior(diffusion, xt, short, 0), RangeError, length("xt"));
  assertThrows(() => predictStart(diffusion, "sample", xt, 0, short), RangeError, length("output"));
  assertThrows(() => trainingTarget(diffusion, "sample", xt, 0, short), RangeError, length("noise"));
  assertThrows(() => pMeanVariance(diffusion, { xt, t: 0, output: short }), RangeError, length("output"));
  assertThrows(
    () => qSample(diffusion, [1] as unknown as Float32Array, 0, output),
    TypeError,
    "start must be a Float32",
  );

  const options = { xt, t: 0, output };
  const eps = "eps" as Prediction;
  const beta = "beta" as Variance;
  assertThrows(() => predictStart(diffusion, eps, xt, 0, output), RangeError, 'received "eps"');
  assertThrows(() => pMeanVariance(diffusion, { ...options, variance: beta }), RangeError, "variance must be one of");
  assertThrows(() => pMeanVariance(diffusion, { ...options, clip: NaN }), RangeError, "clip");
  assertThrows(() => pMeanVariance(diffusion, { ...options, clip: 0 }), RangeError, "clip");
  assertThrows(() => pMeanVariance(diffusion, { ...options, variance: "learned" }), TypeError, "channels");
  const learned = { ...options, variance: "learned", channels: 1 } as const;
  assertThrows(() => pMeanVariance(diffusion, learned), RangeError, "output must have 8 elements, received 4");
  assertThrows(() => pMeanVariance(diffusion, { ...learned, channels: 3 }), RangeError, "pixels");
});
