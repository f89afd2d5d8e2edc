import { z } from "zod";
import { INTERPOLATIONS } from "../core/interpolation.ts";
import { defineCommand } from "./command.ts";
import { drawingOptions, modelOptions, outOption, sourceOptions, timestep } from "./figures/options.ts";

/** The options of `interpolate`. */
export const interpolateOptions = z.strictObject({
  ...modelOptions,
  out: outOption("interpolation"),
  ...sourceOptions("two"),
  t: z.array(timestep).max(16).default([])
    .describe(
      "Timesteps at which the latents are mixed, a row each, counted as in the paper; at 0 it is the images themselves. " +
        "Default: half the schedule, 500 of 1000",
    ),
  method: z.enum(INTERPOLATIONS).default("linear")
    .describe("How latents are mixed: linear as in the paper; spherical keeps the norm of noise"),
  ...drawingOptions,
  label: drawingOptions.label.describe("Class of what is drawn, by name or by index. Default: none, if the model can"),
});

/** The `interpolate` command: figures 8 and 9 of the paper. */
export const interpolate = defineCommand({
  options: interpolateOptions,
  short: { model: "m", out: "o", seed: "s" },
  examples: [
    { line: "deno task interpolate --data mnist-test --index 3,18", does: "Between two digits, mixed at half of T." },
    { line: "deno task interpolate --image a.jpg,b.jpg --t 1000,750,500,250,0", does: "A row each, as figure 9." },
    { line: "deno task interpolate --seed 7 --sampler ddim --steps 100", does: "Between two that the model draws." },
  ],
  run: async (options) => (await import("./figures/interpolate.ts")).drawInterpolation(options),
});
