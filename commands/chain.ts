import { z } from "zod";
import { defineCommand } from "./command.ts";
import { drawingOptions, modelOptions, outOption } from "./figures/options.ts";

/** The options of `chain`. */
export const chainOptions = z.strictObject({
  ...modelOptions,
  out: outOption("chain"),
  t: z.int().min(1).optional()
    .describe("The timestep of the node x_t, counted as in the paper, 1 … T. Default: the middle, T/2"),
  ...drawingOptions,
});

/** The `chain` command: figure 2 of the paper. */
export const chain = defineCommand({
  options: chainOptions,
  short: { model: "m", out: "o", seed: "s" },
  examples: [
    { line: "deno task chain --seed 7", does: "Into chain.svg and chain.png." },
    { line: "deno task chain --model models/ddpm-celebahq-256 --t 400 -o figure2.svg", does: "The paper's own." },
  ],
  run: async (options) => (await import("./figures/chain.ts")).drawChain(options),
});
