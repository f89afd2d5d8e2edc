/**
 * A run's recipe in PyTorch, trained to the same step, so that what comes of both can be compared by `evaluate`.
 *
 *     deno task bench same-recipe --config runs/NAME/config.json [--help]
 */
import { z } from "zod";
import { defineCommand, defineEntry } from "../commands/cli/command.ts";
import { runCommand } from "../commands/cli/run.ts";
import { trainInPyTorch } from "./training/train_in_pytorch.ts";

const command = defineCommand({
  options: z.strictObject({
    config: z.string().min(1)
      .describe("The recipe: a run's config.json"),
    init: z.string().min(1).optional()
      .describe("Folder of the model that it starts from. Default: the recipe's"),
    steps: z.int().min(1).optional()
      .describe("Training steps. Default: the recipe's"),
    out: z.string().min(1).default("runs/pytorch")
      .describe(
        "Folder for the model, the average of the recipe's first rate, its metrics, and the state to go on from",
      ),
  }),
  examples: [
    {
      line: "deno task bench same-recipe --config models/digits/training/config.json --out runs/pytorch-digits",
      does: "What PyTorch makes of the shipped digits' training; Ctrl-C stops it, the same command goes on.",
    },
    {
      line:
        "deno task bench same-recipe --config models/emoji/training/first.config.json --steps 6481 --out runs/pytorch-emoji",
      does: "What PyTorch makes of the first half of the shipped emoji model's training.",
    },
    {
      line:
        "deno task bench same-recipe --config models/emoji/training/second.config.json --init runs/pytorch-emoji/model --steps 6519 --out runs/pytorch-emoji-second",
      does: "The second half, from what PyTorch made of the first.",
    },
  ],
});

Deno.exitCode = await runCommand(
  defineEntry({
    name: "bench same-recipe",
    summary: "Train a run's recipe in PyTorch.",
    load: () => Promise.resolve(command),
    loadRunner: () => Promise.resolve(trainInPyTorch),
  }),
  Deno.args.slice(1),
);
