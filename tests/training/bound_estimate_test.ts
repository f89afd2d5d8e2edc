import { assertAlmostEquals, assertEquals } from "@std/assert";
import {
  calcBpd,
  createDiffusion,
  fillNormal,
  type Prediction,
  qSample,
  simpleLoss,
  trainingTarget,
} from "../../core/mod.ts";
import { createBoundEstimate } from "../../training/bound_estimate.ts";

const SIZE = 48, T = 40;
const diffusion = createDiffusion(Float64Array.from({ length: T }, (_, t) => 2e-4 + 0.01 * t));

/** Pixel values, a third of them black. */
const image = (sample: number): Float32Array => {
  const x = new Float32Array(SIZE);
  fillNormal(x, { seed: 7, sample, step: 0 });
  return x.map((z, i) => i % 3 === 0 ? -1 : Math.round(Math.min(254, Math.max(1, 128 + 40 * z))) / 127.5 - 1);
};

/** A network that is never quite right: it answers the truth and some noise, by (x, t) alone. */
const answer = (target: Float32Array, x: Float32Array, t: number): Float32Array =>
  target.map((value, i) => value + 0.3 * Math.sin(1e4 * x[i] + t));

const trueBound = async (prediction: Prediction, variance: "fixed_small" | "fixed_large", count: number) => {
  const start = new Float32Array(count * SIZE);
  for (let i = 0; i < count; i++) start.set(image(i), i * SIZE);
  const bounds = await calcBpd(diffusion, start, {
    count,
    prediction,
    variance,
    evaluate: (x, timesteps) => {
      const out = new Float32Array(x.length);
      for (let i = 0; i < count; i++) {
        const t = timesteps[i], own = x.slice(i * SIZE, (i + 1) * SIZE), x0 = image(i);
        const a = diffusion.sqrtAlphasCumprod[t], b = diffusion.sqrtOneMinusAlphasCumprod[t];
        const noise = own.map((value, j) => (value - a * x0[j]) / b);
        out.set(answer(trainingTarget(diffusion, prediction, x0, t, noise), own, t), i * SIZE);
      }
      return out;
    },
  });
  return bounds.reduce((sum, { total }) => sum + total, 0) / count;
};

const IMAGES = 16, STEPS = 120, BATCH = 32;

/** The estimate after steps of training on a network that stays as it is, t drawn with these probabilities. */
const estimate = (
  prediction: Prediction,
  variance: "fixed_small" | "fixed_large",
  timestepOf: (place: number) => { t: number; weight: number },
  numbers: Record<string, Float64Array> = {},
  [from, to] = [0, STEPS],
): number | null => {
  const bound = createBoundEstimate({ diffusion, prediction, variance, numbers });
  for (let step = from; step < to; step++) {
    const images = new Float32Array(BATCH * SIZE), noise = new Float32Array(SIZE);
    const drawn = Array.from({ length: BATCH }, (_, i) => timestepOf(step * BATCH + i));
    const squaredErrors = drawn.map(({ t }, i) => {
      const x0 = image((step * BATCH + i) % IMAGES);
      images.set(x0, i * SIZE);
      fillNormal(noise, { seed: 3, sample: i, step: step + 1 });
      const xt = qSample(diffusion, x0, t, noise), target = trainingTarget(diffusion, prediction, x0, t, noise);
      return simpleLoss(target, answer(target, xt, t));
    });
    const [timesteps, weights] = [drawn.map(({ t }) => t), drawn.map(({ weight }) => weight)];
    bound.record({ timesteps, squaredErrors, bounds: null, weights, images });
  }
  return bound.value;
};

const uniformly = (place: number) => ({ t: place * 17 % T, weight: 1 });

/** Early timesteps twice as often as late ones. */
const unevenly = (place: number) => {
  const k = place * 17 % 60, early = k < 40;
  return { t: early ? k >> 1 : k - 20, weight: 1 / (T * (early ? 2 / 60 : 1 / 60)) };
};

for (const prediction of ["epsilon", "v_prediction"] as const) {
  for (const variance of ["fixed_small", "fixed_large"] as const) {
    Deno.test(`the running bound of ${prediction} with ${variance} is calcBpd's, however t is drawn`, async () => {
      const expected = await trueBound(prediction, variance, IMAGES);
      for (const draw of [uniformly, unevenly]) {
        assertAlmostEquals(estimate(prediction, variance, draw)!, expected, 0.03 * expected);
      }
    });
  }
}

Deno.test("the running bound goes on exactly from what a training state keeps of it", () => {
  const whole = estimate("epsilon", "fixed_small", uniformly);
  const numbers: Record<string, Float64Array> = {};
  estimate("epsilon", "fixed_small", uniformly, numbers, [0, 50]);
  assertEquals(estimate("epsilon", "fixed_small", uniformly, structuredClone(numbers), [50, STEPS]), whole);
});

Deno.test("the running bound is null until every stratum of timesteps has met an image", () => {
  assertEquals(estimate("epsilon", "fixed_small", () => ({ t: 0, weight: 1 }), {}, [0, 1]), null);
});

Deno.test("the running bound takes the terms of a step that computes them, and sums them over the timesteps", () => {
  const bound = createBoundEstimate({ diffusion, prediction: "epsilon", variance: "learned_range", numbers: {} });
  const timesteps = Array.from({ length: T }, (_, t) => t);
  bound.record({
    timesteps,
    squaredErrors: timesteps,
    bounds: timesteps.map((t) => 1 / (1 + t)),
    weights: new Array(T).fill(1),
    images: new Float32Array(T),
  });
  const harmonic = timesteps.reduce((sum, t) => sum + 1 / (1 + t), 0);
  const last = diffusion.alphasCumprod[T - 1];
  const prior = (-last - Math.log1p(-last)) / 2 / Math.LN2;
  assertAlmostEquals(bound.value!, harmonic + prior, 1e-9);
});
