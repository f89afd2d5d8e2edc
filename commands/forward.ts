import { z } from "zod";
import { SCHEDULES } from "../core/schedules.ts";
import { defineCommand } from "./command.ts";
import { drawingOptions, modelOptions, outOption, sourceOptions, timestep } from "./figures/options.ts";

/** The options of `forward`. */
export const forwardOptions = z.strictObject({
  ...modelOptions,
  out: outOption("forward"),
  ...sourceOptions("one a row, at most 8"),
  t: z.array(timestep).max(24).default([])
    .describe("Timesteps to show, counted as in the paper: 0 is the image, T noise. Default: eleven, from 0 to T"),
  schedule: z.enum(SCHEDULES).optional()
    .describe("Noise schedule. Default: the model's own"),
  ...drawingOptions,
  seed: drawingOptions.seed.describe("Seed of the noise, and of the image that the model draws. Default: random"),
});

/** The `forward` command: a figure of images that dissolve into noise. */
export const forward = defineCommand({
  options: forwardOptions,
  short: { model: "m", out: "o", seed: "s" },
  examples: [
    {
      line: "deno task forward --data mnist-test --index 1,4,7",
      does: "Three digits, in forward.svg and forward.png.",
    },
    { line: "deno task forward --image cat.jpg --schedule cosine -o cat.svg", does: "A picture of your own." },
    { line: "deno task forward --t 0,1,10,100,1000 --seed 7", does: "An image of the model's, at these timesteps." },
  ],
  run: async (options) => (await import("./figures/forward.ts")).drawForward(options),
});
