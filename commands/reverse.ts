import { z } from "zod";
import { defineCommand } from "./command.ts";
import { drawingOptions, modelOptions, outOption, timestep } from "./figures/options.ts";

/** The options of `reverse`. */
export const reverseOptions = z.strictObject({
  ...modelOptions,
  out: outOption("reverse"),
  n: z.int().min(1).max(8).default(1)
    .describe("Number of images, two rows each"),
  t: z.array(timestep).max(24).default([])
    .describe(
      "Timesteps to show, counted as in the paper: T is noise, 0 the image; of each the nearest that the sampler visits. " +
        "Default: eleven, from T to 0",
    ),
  ...drawingOptions,
});

/** The `reverse` command: a figure of images that emerge from noise. */
export const reverse = defineCommand({
  options: reverseOptions,
  short: { model: "m", out: "o", n: "n", seed: "s" },
  examples: [
    { line: "deno task reverse --seed 7", does: "Algorithm 2, all T steps, into reverse.svg and reverse.png." },
    { line: "deno task reverse --sampler ddim --steps 50 -n 3", does: "Three images by 50 steps of DDIM." },
    {
      line: "deno task reverse --label 3 --guidance 2 --t 1000,500,250,100,10,0",
      does: "A three, at these timesteps.",
    },
  ],
  run: async (options) => (await import("./figures/reverse.ts")).drawReverse(options),
});
