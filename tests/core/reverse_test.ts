import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { boundTerm } from "../../core/bound.ts";
import { createDiffusion } from "../../core/diffusion.ts";
import { qPosterior, qSample, qStep } from "../../core/forward.ts";
import { fillNormal } from "../../core/noise.ts";
import {
  predictEpsilon,
  type Prediction,
  PREDICTIONS,
  predictStart,
  trainingTarget,
  velocity,
} from "../../core/prediction.ts";
import { pMeanVariance, type Variance } from "../../core/reverse.ts";
import { betaSchedule, rescaleZeroTerminalSnr } from "../../core/schedules.ts";
import golden from "../fixtures/core/process.json" with { type: "json" };
import { assertClose } from "./assert_close.ts";

const diffusion = createDiffusion(betaSchedule("linear", 1000));
const start = Float32Array.from(golden.start);
const noise = Float32Array.from(golden.noise);
const normals = (length: number, step: number) => fillNormal(new Float32Array(length), { seed: 9, sample: 0, step });

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
