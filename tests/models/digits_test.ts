import { assertGreaterOrEqual, assertLess } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { compilePlan, sample } from "../../core/mod.ts";
import { openEngine } from "../../engine/mod.ts";
import { openDataset } from "../../jobs/data/dataset.ts";
import { createDenoiser } from "../../model/denoiser.ts";
import { diffusionOf, loadPipeline } from "../../model/pipeline.ts";

const folder = fromFileUrl(new URL("../../models/digits", import.meta.url));

/** The class of the training image that is nearest, by squared distance of the pixels. */
const nearestClass = (
  image: Float32Array,
  train: Awaited<ReturnType<typeof openDataset>>,
): number => {
  const size = image.length;
  const known = new Uint8Array(size);
  let [best, nearest] = [-1, Infinity];
  for (let i = 0; i < train.count; i++) {
    train.read(i, known);
    let distance = 0;
    for (let j = 0; j < size && distance < nearest; j++) {
      const difference = image[j] - (known[j] / 127.5 - 1);
      distance += difference * difference;
    }
    if (distance < nearest) [best, nearest] = [train.labels![i], distance];
  }
  return best;
};

Deno.test("models/digits is at most 5 MB", async () => {
  const { size } = await Deno.stat(join(folder, "unet", "diffusion_pytorch_model.safetensors"));
  assertLess(size, 5_000_000);
});

for (
  const { sampler, steps } of [
    { sampler: "ddpm", steps: 50 },
    { sampler: "ddim", steps: 25 },
    { sampler: "dpmsolver++", steps: 15 },
  ] as const
) {
  Deno.test(`models/digits draws the digit that was asked for: ${sampler} in ${steps} steps`, async () => {
    const engine = await openEngine("wasm");
    const pipeline = await loadPipeline(folder);
    const denoiser = createDenoiser(engine, pipeline);
    const { height, width, channels } = denoiser;
    const n = 30;
    const wanted = Int32Array.from({ length: n }, (_, i) => i % 10);
    const { prediction_type: prediction, timestep_spacing: spacing } = pipeline.scheduler;
    const plan = compilePlan({ diffusion: diffusionOf(pipeline.scheduler), sampler, steps, prediction, spacing });
    const images = await sample({
      plan,
      shape: [n, height, width, channels],
      evaluate: (x, timesteps) => denoiser.evaluate(x, timesteps, wanted),
      seed: 1,
    });
    denoiser.dispose();
    const train = await openDataset("mnist");
    const size = height * width * channels;
    const right = wanted.filter((digit, i) => nearestClass(images.subarray(i * size, (i + 1) * size), train) === digit);
    assertGreaterOrEqual(right.length, 26);
  });
}
