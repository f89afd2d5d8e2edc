/**
 * The network's speed beside PyTorch's and diffusers', and jax-js's, on the same weights, in turns.
 *
 *     deno task bench network [--help]
 */
import { z } from "zod";
import { defineCommand, defineEntry } from "../commands/cli/command.ts";
import { runCommand } from "../commands/cli/run.ts";
import { compareNetworks } from "./network/compare.ts";
import { NETWORK_CONTENDERS } from "./network/contender.ts";

const command = defineCommand({
  options: z.strictObject({
    model: z.string().min(1).optional()
      .describe("Folder of a model. Default: the U-Net of the paper's CIFAR-10 run, 35.7M parameters, untrained"),
    rounds: z.int().min(1).max(1000).default(7)
      .describe("Turns of each contender, of up to 5 calls or 2 seconds each"),
    only: z.array(z.enum(NETWORK_CONTENDERS)).min(1).default(NETWORK_CONTENDERS)
      .describe("The contenders"),
    operations: z.array(z.enum(["step", "train"])).min(1).default(["step", "train"])
      .describe("Denoising steps of 1, 4 and 16 rows; training steps of 8 images"),
    json: z.string().min(1).default("runs/bench-network.json")
      .describe("File for every call's time"),
  }),
  examples: [
    { line: "deno task bench network --json bench/results/network.json", does: "All, kept with the sources." },
    { line: 'deno task bench network --only "pytorch contiguous,wasm" --operations step', does: "Two of them." },
  ],
});

Deno.exitCode = await runCommand(
  defineEntry({
    name: "bench network",
    summary: "Compare the network's speed with peers.",
    load: () => Promise.resolve(command),
    loadRunner: () => Promise.resolve(compareNetworks),
  }),
  Deno.args.slice(1),
);
