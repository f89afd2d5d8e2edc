import { fromFileUrl } from "@std/path";
import type { Denoiser } from "../../model/denoiser.ts";
import { initializeUNet } from "../../model/initialize.ts";
import { loadPipeline, type Pipeline } from "../../model/pipeline.ts";
import { parseSchedulerConfig } from "../../model/scheduler_config.ts";
import { parseUNetConfig } from "../../model/unet_config.ts";
import { randomValues } from "../engine/random_values.ts";

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

/** What the network is asked of one image. */
export interface Row {
  x: Float32Array;
  timestep: number;
  label: number;
}

/** A random row for a network. */
export const randomRow = ({ height, width, channels, numClasses }: Denoiser, seed: number, scale = 1): Row => ({
  x: randomValues([height, width, channels], seed).map((value) => value * scale),
  timestep: (seed * 389) % 1000,
  label: numClasses === null ? 0 : seed % numClasses,
});

/** The network's output of each row, all in one call. */
export const evaluateRows = (denoiser: Denoiser, rows: Row[]): Float32Array[] => {
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

/** Networks whose every row is to be the same in any company, by name. */
export const MODELS: Record<string, () => Promise<Pipeline> | Pipeline> = {
  conditional: () => loadPipeline(`${FIXTURES}conditional`),
  ddpm: () => loadPipeline(`${FIXTURES}ddpm`),
  learned: () => loadPipeline(`${FIXTURES}learned`),
  "of widths 16 to 96, one head": () => realistic(16, [16, 32, 64, 96], null),
  "of widths 16 to 96, heads of 8": () => realistic(16, [16, 32, 64, 96], 8),
  "with attention over 256 pixels, whose pairs are multiplied one by one,": () => realistic(32, [16, 32], null),
};
