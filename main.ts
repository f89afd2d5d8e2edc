/** The command line: parse, then call one room. Commands load on demand, so that `train` never loads the server. */
import type { CommandEntry } from "./commands/cli/command.ts";
import { programHelp } from "./commands/cli/help.ts";
import { nearestName } from "./commands/cli/options.ts";
import { runCommand } from "./commands/cli/run.ts";

const COMMANDS: readonly CommandEntry[] = [
  {
    name: "serve",
    summary: "Serve images from a preloaded model over HTTP.",
    load: async () => (await import("./commands/serve.ts")).serveCommand,
  },
  {
    name: "train",
    summary: "Train a model; writes checkpoints, metrics and sample grids.",
    load: async () => (await import("./commands/train.ts")).trainCommand,
  },
  {
    name: "data",
    summary: "List images to learn from, fetch CIFAR-10 or emoji, or prepare a folder of pictures.",
    load: async () => (await import("./commands/data.ts")).dataCommand,
  },
  {
    name: "worker",
    summary: "Run the training jobs that servers are asked for, on this machine.",
    load: async () => (await import("./commands/worker.ts")).workerCommand,
  },
  {
    name: "sample",
    summary: "Draw images with a trained model into a file.",
    load: async () => (await import("./commands/sample.ts")).sampleCommand,
  },
  {
    name: "evaluate",
    summary: "Measure a model: the likelihood of images under it, and how good its samples are.",
    load: async () => (await import("./commands/evaluate.ts")).evaluateCommand,
  },
  {
    name: "forward",
    summary: "Draw the figure of images that dissolve into noise.",
    load: async () => (await import("./commands/figure.ts")).forwardCommand,
  },
  {
    name: "reverse",
    summary: "Draw the figure of noise that becomes images, and of what the network makes of it on the way.",
    load: async () => (await import("./commands/figure.ts")).reverseCommand,
  },
  {
    name: "interpolate",
    summary: "Draw the figure of images between two, from latents mixed at several timesteps.",
    load: async () => (await import("./commands/figure.ts")).interpolateCommand,
  },
  {
    name: "gallery",
    summary: "Draw the figure of a model's images, of no class or a row a class.",
    load: async () => (await import("./commands/figure.ts")).galleryCommand,
  },
  {
    name: "chain",
    summary: "Draw the figure of both processes with their equations, the model's images at the nodes.",
    load: async () => (await import("./commands/figure.ts")).chainCommand,
  },
  {
    name: "classifier",
    summary: "Train a classifier of a dataset, whose features evaluation compares images by.",
    load: async () => (await import("./commands/classifier.ts")).classifierCommand,
  },
  {
    name: "engine",
    summary: "List the engines that this machine has, or install TensorFlow.",
    load: async () => (await import("./commands/engine.ts")).engineCommand,
  },
  {
    name: "export",
    summary: "Write a model alone into a folder: to ship it, or halved as float16.",
    load: async () => (await import("./commands/export.ts")).exportCommand,
  },
  {
    name: "pull",
    summary: "Download a model, a diffusers pipeline or U-Net as safetensors, from a model hub.",
    load: async () => (await import("./commands/pull.ts")).pullCommand,
  },
];

const main = async ([name, ...args]: readonly string[]): Promise<number> => {
  if (name === undefined || name === "--help" || name === "-h") {
    console.log(programHelp(COMMANDS).trimEnd());
    return name === undefined ? 2 : 0;
  }
  const chosen = COMMANDS.find((command) => command.name === name);
  if (chosen) return await runCommand(chosen, args);
  const names = COMMANDS.map((command) => command.name);
  const meant = nearestName(name, names);
  console.error(
    `error: unknown command ${JSON.stringify(name)}${meant ? `; did you mean ${meant}?` : ""} ` +
      `(commands: ${names.join(", ")})`,
  );
  return 2;
};

if (import.meta.main) Deno.exit(await main(Deno.args));
