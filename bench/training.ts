/**
 * Training beside PyTorch: the same U-Net, first weights, images and recipe, whole loops in turns.
 *
 *     deno task bench training [--help]
 */
import { z } from "zod";
import { defineCommand, defineEntry } from "../commands/cli/command.ts";
import { runCommand } from "../commands/cli/run.ts";
import { compareTraining } from "./training/compare.ts";
import { TRAINING_CONTENDERS } from "./training/task.ts";

const command = defineCommand({
  options: z.strictObject({
    preset: z.enum(["digits", "cifar10"]).default("digits")
      .describe("The U-Net and the recipe: digits (1.1M parameters), or the paper's CIFAR-10 run (35.7M)"),
    batch: z.int().min(1).default(32)
      .describe("Images a step, all in one network call"),
    steps: z.int().min(1).default(25)
      .describe("Steps in a row, in each turn"),
    rounds: z.int().min(1).max(1000).default(5)
      .describe("Turns of each contender"),
    only: z.array(z.enum(TRAINING_CONTENDERS)).min(1).default([...TRAINING_CONTENDERS.slice(0, 3)])
      .describe("The contenders"),
    json: z.string().min(1).default("runs/bench-training.json")
      .describe("File for every turn's time"),
  }),
  examples: [
    { line: "deno task bench training", does: "Digits." },
    {
      line: "deno task bench training --preset cifar10 --batch 16 --steps 2 --rounds 3",
      does: "The CIFAR-10 network, in two minutes on two cores.",
    },
  ],
});

Deno.exitCode = await runCommand(
  defineEntry({
    name: "bench training",
    summary: "Compare training with PyTorch.",
    load: () => Promise.resolve(command),
    loadRunner: () => Promise.resolve(compareTraining),
  }),
  Deno.args.slice(1),
);
