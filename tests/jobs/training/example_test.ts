import { assertAlmostEquals, assertEquals, assertLess, assertNotEquals } from "@std/assert";
import { betaSchedule, createDiffusion, lossWeights, predictStart } from "../../../core/mod.ts";
import { createDataset } from "../../../jobs/data/images.ts";
import { makeExamples } from "../../../jobs/training/example.ts";

const diffusion = createDiffusion(betaSchedule("linear", 1000));
const pixels = Uint8Array.from({ length: 8 * 16 }, (_, i) => (i * 37) % 256);
const dataset = createDataset({
  name: "checkers",
  images: pixels,
  count: 8,
  height: 4,
  width: 4,
  channels: 1,
  labels: Uint8Array.from({ length: 8 }, (_, i) => i % 3),
  classNames: ["a", "b", "c"],
});
const options = {
  diffusion,
  prediction: "epsilon",
  lossWeights: lossWeights(diffusion, "uniform"),
  labelDropout: 0.25,
  nullLabel: 3,
  seed: 5,
} as const;

Deno.test("makeExamples: x_t and the target give the image back", () => {
  for (const prediction of ["epsilon", "sample", "v_prediction"] as const) {
    const { xt, target, timesteps } = makeExamples(dataset, Uint32Array.of(2, 7), 11, { ...options, prediction });
    for (const [i, index] of [2, 7].entries()) {
      const part = (values: Float32Array) => values.subarray(i * 16, (i + 1) * 16);
      const x0 = predictStart(diffusion, prediction, part(xt), timesteps[i], part(target));
      const tolerance = 1e-6 / diffusion.sqrtAlphasCumprod[timesteps[i]];
      x0.forEach((value, j) =>
        assertAlmostEquals(value, pixels[index * 16 + j] / 127.5 - 1, Math.max(tolerance, 1e-6))
      );
    }
  }
});

Deno.test("makeExamples: the same step gives the same bits, another step and another seed do not", () => {
  const at = (step: number, seed: number) => makeExamples(dataset, Uint32Array.of(0, 1), step, { ...options, seed });
  assertEquals(at(3, 5), at(3, 5));
  assertNotEquals(at(3, 5).xt, at(4, 5).xt);
  assertNotEquals(at(3, 5).timesteps, at(3, 6).timesteps);
});

Deno.test("makeExamples: timesteps are uniform, labels are dropped at their rate and images keep theirs otherwise", () => {
  const indices = Uint32Array.from({ length: 4000 }, (_, i) => i % 8);
  const { timesteps, labels, weights } = makeExamples(dataset, indices, 0, options);
  const mean = timesteps.reduce((sum, t) => sum + t, 0) / timesteps.length;
  // Standard error of the mean of 4000 uniform draws: 1000 / √12 / √4000 = 4.6.
  assertLess(Math.abs(mean - 499.5), 5 * 4.6);
  const dropped = labels!.filter((label) => label === 3).length;
  // Standard deviation: √(4000 · 0.25 · 0.75) = 27.
  assertLess(Math.abs(dropped - 1000), 5 * 27);
  labels!.forEach((label, i) => label === 3 || assertEquals(label, dataset.labels![indices[i]]));
  assertEquals(weights.every((weight) => weight === 1), true);
});
