import { trainOptions } from "../training/recipe.ts";
import { defineCommand } from "./cli/command.ts";

/** The `train` command: a model from images, into a run folder. */
export const trainCommand = defineCommand({
  options: trainOptions,
  short: { out: "o", seed: "s" },
  paths: ({ data, init, out, resume }) => ({ read: { data, init, out, resume }, write: { out, resume } }),
  examples: [
    {
      line: "deno task train",
      does: "Handwritten digits with the paper's recipe, on the best engine of this machine.",
    },
    { line: "deno task train --schedule cosine --prediction v_prediction", does: "By a later recipe." },
    {
      line: "deno task train --preset quick",
      does: "A first look: legible 16×16 digits in a minute or two.",
    },
    { line: "deno task train --resume runs/mine", does: "Continue from the run's last checkpoint." },
  ],
});
