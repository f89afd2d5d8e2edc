import { assert, assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { openEngine } from "../../engine/mod.ts";
import { createDenoiser, type Denoiser } from "../../model/denoiser.ts";
import { initializeUNet } from "../../model/initialize.ts";
import { loadPipeline, type Pipeline } from "../../model/pipeline.ts";
import { parseSchedulerConfig } from "../../model/scheduler_config.ts";
import { parseUNetConfig } from "../../model/unet_config.ts";
import { assertWithin, columnOf } from "../engine/assert_within.ts";
import { randomValues } from "../engine/random_values.ts";
import { whyNot } from "../engine/why_not.ts";

const FIXTURES = fromFileUrl(new URL("../fixtures/model/", import.meta.url));

/** The widths of a small model for real use, every weight moved away from where training starts it. */
const realistic = (size: number, widths: number[], headDim: number | null): Pipeline => {
  const unet = parseUNetConfig({
    sample_size: size,
    in_channels: 3,
    out_channels: 3,
    block_out_channels: widths,
    layers_per_block: 1,
    down_block_types: widths.map((_, i) => i === 0 ? "DownBlock2D" : "AttnDownBlock2D"),
    up_block_types: widths.map((_, i) => i === widths.length - 1 ? "UpBlock2D" : "AttnUpBlock2D"),
    norm_num_groups: 8,
    attention_head_dim: headDim,
    num_class_embeds: 11,
  });
  const weights = initializeUNet(unet, 1);
  let seed = 0;
  for (const { shape, data } of weights.values()) {
    const noise = randomValues(shape, ++seed);
    for (let i = 0; i < data.length; i++) data[i] += 0.1 * noise[i];
  }
  return { folder: "", unet, scheduler: parseSchedulerConfig({}), labels: null, nullLabel: null, weights };
};

interface Row {
  x: Float32Array;
  timestep: number;
  label: number;
}

const evaluate = (denoiser: Denoiser, rows: Row[]): Float32Array[] => {
  const size = rows[0].x.length;
  const x = new Float32Array(rows.length * size);
  rows.forEach((row, i) => x.set(row.x, i * size));
  const out = denoiser.evaluate(
    x,
    rows.map(({ timestep }) => timestep),
    denoiser.numClasses === null ? null : rows.map(({ label }) => label),
  );
  const length = out.length / rows.length;
  return rows.map((_, i) => out.slice(i * length, (i + 1) * length));
};

const MODELS: Record<string, () => Promise<Pipeline> | Pipeline> = {
  conditional: () => loadPipeline(`${FIXTURES}conditional`),
  ddpm: () => loadPipeline(`${FIXTURES}ddpm`),
  learned: () => loadPipeline(`${FIXTURES}learned`),
  "of widths 16 to 96, one head": () => realistic(16, [16, 32, 64, 96], null),
  "of widths 16 to 96, heads of 8": () => realistic(16, [16, 32, 64, 96], 8),
  "with attention over 256 pixels, whose pairs are multiplied one by one,": () => realistic(32, [16, 32], null),
};

for (const engine of ["wasm", "onnx", "tensorflow", "webgpu-software"] as const) {
  const reason = whyNot(engine);
  // A graphics card in software takes seconds for 16 rows.
  const most = engine === "webgpu-software" ? 4 : 16;
  for (const [name, open] of Object.entries(MODELS)) {
    const title = `U-Net ${name} on ${engine}: a row has the same bits alone, at any position, with any neighbours`;
    Deno.test(`${title}, in 1 to ${most} rows ${reason}`.trimEnd(), { ignore: reason !== "" }, async () => {
      const denoiser = createDenoiser(await openEngine(engine), await open());
      const { height, width, channels, numClasses } = denoiser;
      const row = (seed: number, scale = 1): Row => ({
        x: randomValues([height, width, channels], seed).map((value) => value * scale),
        timestep: (seed * 389) % 1000,
        label: numClasses === null ? 0 : seed % numClasses,
      });
      const subject = row(1);
      const [alone] = evaluate(denoiser, [subject]);
      assert(alone.every(Number.isFinite) && new Set(alone).size > alone.length / 2);
      assertEquals(evaluate(denoiser, [subject])[0], alone, "twice alone");
      for (const count of [2, 3, 4, 8, 16].filter((count) => count <= most)) {
        for (const position of new Set([0, 1, count >> 1, count - 1])) {
          // Neighbours of their own kind, and of a size that would show in any shared sum.
          for (const scale of [1, 1e4]) {
            const rows = Array.from({ length: count }, (_, i) => i === position ? subject : row(50 + i, scale));
            const out = evaluate(denoiser, rows)[position];
            const different = out.filter((value, i) => !Object.is(value, alone[i])).length;
            const kind = { suite: "a row among others", quantity: "values of other bits", engine: columnOf(engine) };
            assertWithin(different, 1, kind, `of ${out.length}: row ${position} of ${count}, scale ${scale}`);
          }
        }
      }
      assertEquals(evaluate(denoiser, Array(5).fill(subject)), Array(5).fill(alone), "beside itself");
      denoiser.dispose();
    });
  }
}
