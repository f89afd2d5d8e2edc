import { assert, assertAlmostEquals, assertEquals, assertLess, assertLessOrEqual, assertNotEquals } from "@std/assert";
import { openEngine } from "../../engine/mod.ts";
import { unetParameters } from "../../model/architecture.ts";
import { createDenoiser } from "../../model/denoiser.ts";
import { initializeUNet } from "../../model/initialize.ts";
import { parseSchedulerConfig } from "../../model/scheduler_config.ts";
import { parseUNetConfig } from "../../model/unet_config.ts";
import { randomValues, sizeOf } from "../engine/random_values.ts";

const CONFIG = parseUNetConfig({
  sample_size: 8,
  in_channels: 1,
  out_channels: 1,
  block_out_channels: [16, 32],
  layers_per_block: 1,
  down_block_types: ["DownBlock2D", "AttnDownBlock2D"],
  up_block_types: ["AttnUpBlock2D", "UpBlock2D"],
  norm_num_groups: 8,
  num_class_embeds: 5,
});

Deno.test("initializeUNet: the same seed gives the same bits, another seed other ones, also beyond 2³²", () => {
  const weights = initializeUNet(CONFIG, 7);
  assertEquals(initializeUNet(CONFIG, 7), weights);
  for (const seed of [8, 2 ** 32 + 7]) {
    const other = initializeUNet(CONFIG, seed);
    for (const name of ["conv_in.weight", "class_embedding.weight"]) {
      assertNotEquals(other.get(name)!.data, weights.get(name)!.data);
    }
  }
  // The draws of a tensor are its own: no two tensors start alike.
  assertNotEquals(
    weights.get("down_blocks.1.attentions.0.to_q.weight")!.data,
    weights.get("down_blocks.1.attentions.0.to_k.weight")!.data,
  );
});

Deno.test("initializeUNet: the first draws of seed 1 have these bits on every machine", () => {
  const first = (name: string) => Array.from(initializeUNet(CONFIG, 1).get(name)!.data.slice(0, 3));
  assertEquals(first("conv_in.weight"), [0.13800553977489471, -0.02968810871243477, -0.1797690987586975]);
  assertEquals(first("class_embedding.weight"), [-0.07353533804416656, 0.00927783828228712, 1.3548215627670288]);
});

Deno.test("initializeUNet: weights are uniform within √(6 / (fan-in + fan-out)), biases 0, scales 1, classes normal", () => {
  const weights = initializeUNet(CONFIG, 3);
  for (const { name, shape, kind } of unetParameters(CONFIG)) {
    const { data } = weights.get(name)!;
    assertEquals(data.length, sizeOf(shape));
    const all = (value: number) => assert(data.every((v) => v === value), name);
    if (kind === "bias" || kind === "zero-weight") all(0);
    else if (kind === "scale") all(1);
    else {
      const area = sizeOf(shape.slice(2));
      const deviation = kind === "embedding" ? 1 : Math.sqrt(2 / ((shape[0] + shape[1]) * area));
      if (kind === "weight") {
        // The fans of a convolution count its window (Glorot & Bengio 2010).
        const bound = Math.sqrt(6 / (shape[0] * area + shape[1] * area));
        const largest = Math.max(...data.map(Math.abs));
        assertLessOrEqual(largest, Math.fround(bound), name);
        assertLess(bound * (1 - 20 / data.length), largest, `${name}: the bound is reached`);
      }
      const mean = data.reduce((sum, v) => sum + v, 0) / data.length;
      const variance = data.reduce((sum, v) => sum + v * v, 0) / data.length;
      // Five standard errors.
      assertAlmostEquals(mean, 0, 5 * deviation / Math.sqrt(data.length), name);
      assertAlmostEquals(variance / deviation ** 2, 1, 5 * Math.sqrt(2 / data.length), name);
    }
  }
});

Deno.test("initializeUNet: ε_θ is exactly 0 at the start, for any x, timestep and class", async () => {
  const denoiser = createDenoiser(await openEngine("wasm"), {
    folder: "",
    unet: CONFIG,
    scheduler: parseSchedulerConfig({}),
    labels: null,
    nullLabel: null,
    weights: initializeUNet(CONFIG, 5),
  });
  const out = denoiser.evaluate(randomValues([3, 8, 8, 1], 1).map((value) => 100 * value), [0, 500, 999], [0, 2, 4]);
  assertEquals(out.length, 3 * 64);
  assert(out.every((value) => value === 0));
  denoiser.dispose();
});
