import { assertGreaterOrEqual, assertLess } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { openDataset } from "../../datasets/open.ts";
import { loadPipeline } from "../../model/pipeline.ts";
import { drawInTurn } from "./draw.ts";

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
    const pipeline = await loadPipeline(folder);
    const spacing = pipeline.scheduler.timestep_spacing;
    const drawn = await drawInTurn(pipeline, { n: 30, sampler, steps, spacing });
    const train = await openDataset("mnist");
    const right = drawn.filter(({ image, wanted }) => nearestClass(image, train) === wanted);
    assertGreaterOrEqual(right.length, 26);
  });
}

Deno.test("models/digits leaves the border black by heun in 10 steps, the first of which leads from σ = 20291", async () => {
  const drawn = await drawInTurn(await loadPipeline(folder), { n: 10, sampler: "heun", steps: 10 });
  let [sum, count] = [0, 0];
  for (const { image, height, width } of drawn) {
    image.forEach((value, i) => {
      const x = i % width, y = Math.floor(i / width);
      if (x > 0 && x < width - 1 && y > 0 && y < height - 1) return;
      sum += value + 1;
      count++;
    });
  }
  assertLess(sum / count, 0.05);
});
