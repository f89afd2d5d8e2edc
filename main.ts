/**
 * The command line: parse, then call one room. `deno task NAME` is commands/NAME.ts, what it takes, and
 * commands/NAME/run.ts, what it does. Both load on demand, so that `train` never loads the server.
 */
import { type CommandEntry, type CommandGroup, defineEntry } from "./commands/cli/command.ts";
import { groupHelp, programHelp } from "./commands/cli/help.ts";
import { nearestName } from "./commands/cli/options.ts";
import { runCommand } from "./commands/cli/run.ts";
import { version } from "./commands/cli/version.ts";

const FIGURE: CommandGroup = {
  name: "figure",
  summary: "Draw a figure of the paper: forward, reverse, interpolate, gallery, chain, network or paths.",
  entries: [
    defineEntry({
      name: "figure forward",
      summary: "Draw the figure of images that dissolve into noise.",
      load: async () => (await import("./commands/figure.ts")).forwardCommand,
      loadRunner: async () => (await import("./commands/figure/forward.ts")).drawForward,
    }),
    defineEntry({
      name: "figure reverse",
      summary: "Draw the figure of noise that becomes images, and of what the network makes of it on the way.",
      load: async () => (await import("./commands/figure.ts")).reverseCommand,
      loadRunner: async () => (await import("./commands/figure/reverse.ts")).drawReverse,
    }),
    defineEntry({
      name: "figure interpolate",
      summary: "Draw the figure of images between two, from latents mixed at several timesteps.",
      load: async () => (await import("./commands/figure.ts")).interpolateCommand,
      loadRunner: async () => (await import("./commands/figure/interpolate.ts")).drawInterpolation,
    }),
    defineEntry({
      name: "figure gallery",
      summary: "Draw the figure of a model's images, of no class or a row a class.",
      load: async () => (await import("./commands/figure.ts")).galleryCommand,
      loadRunner: async () => (await import("./commands/figure/gallery.ts")).drawGallery,
    }),
    defineEntry({
      name: "figure chain",
      summary: "Draw the figure of both processes with their equations, the model's images at the nodes.",
      load: async () => (await import("./commands/figure.ts")).chainCommand,
      loadRunner: async () => (await import("./commands/figure/chain.ts")).drawChain,
    }),
    defineEntry({
      name: "figure network",
      summary: "Draw the figure of a model's network, layer by layer.",
      load: async () => (await import("./commands/figure.ts")).networkCommand,
      loadRunner: async () => (await import("./commands/figure/network.ts")).drawNetwork,
    }),
    defineEntry({
      name: "figure paths",
      summary: "Draw the figure of how samplers move, on data of one dimension; it needs no model.",
      load: async () => (await import("./commands/figure.ts")).pathsCommand,
      loadRunner: async () => (await import("./commands/figure/paths.ts")).drawPaths,
    }),
  ],
};

const COMMANDS: readonly (CommandEntry | CommandGroup)[] = [
  defineEntry({
    name: "serve",
    summary: "Serve images from a preloaded model over HTTP.",
    load: async () => (await import("./commands/serve.ts")).serveCommand,
    loadRunner: async () => (await import("./commands/serve/run.ts")).runServe,
  }),
  defineEntry({
    name: "train",
    summary: "Train a model; writes checkpoints, metrics and sample grids.",
    load: async () => (await import("./commands/train.ts")).trainCommand,
    loadRunner: async () => (await import("./commands/train/run.ts")).runTrain,
  }),
  defineEntry({
    name: "data",
    summary: "List images to learn from, fetch CIFAR-10 or emoji, or prepare a folder of pictures.",
    load: async () => (await import("./commands/data.ts")).dataCommand,
    loadRunner: async () => (await import("./commands/data/run.ts")).runData,
  }),
  defineEntry({
    name: "worker",
    summary: "Run the training jobs that servers are asked for, on this machine.",
    load: async () => (await import("./commands/worker.ts")).workerCommand,
    loadRunner: async () => (await import("./commands/worker/run.ts")).runWorker,
  }),
  defineEntry({
    name: "sample",
    summary: "Draw images with a trained model into a file.",
    load: async () => (await import("./commands/sample.ts")).sampleCommand,
    loadRunner: async () => (await import("./commands/sample/run.ts")).runSample,
  }),
  defineEntry({
    name: "evaluate",
    summary: "Measure a model: the likelihood of images under it, and how good its samples are.",
    load: async () => (await import("./commands/evaluate.ts")).evaluateCommand,
    loadRunner: async () => (await import("./commands/evaluate/run.ts")).runEvaluate,
  }),
  FIGURE,
  defineEntry({
    name: "classifier",
    summary: "Train a classifier of a dataset, whose features evaluation compares images by.",
    load: async () => (await import("./commands/classifier.ts")).classifierCommand,
    loadRunner: async () => (await import("./commands/classifier/run.ts")).runClassifier,
  }),
  defineEntry({
    name: "engine",
    summary: "List the engines that this machine has, or install TensorFlow.",
    load: async () => (await import("./commands/engine.ts")).engineCommand,
    loadRunner: async () => (await import("./commands/engine/run.ts")).runEngine,
  }),
  defineEntry({
    name: "export",
    summary: "Write a model alone into a folder: to ship it, halved as float16, or as ONNX.",
    load: async () => (await import("./commands/export.ts")).exportCommand,
    loadRunner: async () => (await import("./commands/export/run.ts")).runExport,
  }),
  defineEntry({
    name: "pull",
    summary: "Download a model, a diffusers pipeline or U-Net as safetensors, from a model hub.",
    load: async () => (await import("./commands/pull.ts")).pullCommand,
    loadRunner: async () => (await import("./commands/pull/run.ts")).runPull,
  }),
];

const isHelp = (word: string | undefined): boolean => word === "--help" || word === "-h";

/** "unknown command "sampel"; did you mean sample? (commands: …)", by the nearest of what could be meant. */
const refuse = (kind: string, word: string, names: readonly string[], others: ReadonlyMap<string, string>): number => {
  const meant = nearestName(word, [...names, ...others.keys()]);
  const hint = meant === undefined ? "" : `; did you mean ${others.get(meant) ?? meant}?`;
  console.error(`error: unknown ${kind} ${JSON.stringify(word)}${hint} (${kind}s: ${names.join(", ")})`);
  return 2;
};

const runGroup = async ({ name, summary, entries }: CommandGroup, [kind, ...args]: readonly string[]) => {
  if (kind === undefined || isHelp(kind)) {
    console.log(groupHelp({ name, summary, entries }).trimEnd());
    return kind === undefined ? 2 : 0;
  }
  const entry = entries.find((one) => one.name === `${name} ${kind}`);
  if (entry) return await runCommand(entry, args);
  return refuse(name, kind, entries.map((one) => one.name.slice(name.length + 1)), new Map());
};

const main = async ([name, ...args]: readonly string[]): Promise<number> => {
  if (name === undefined || isHelp(name)) {
    console.log(programHelp(COMMANDS).trimEnd());
    return name === undefined ? 2 : 0;
  }
  if (name === "--version") {
    console.log(version);
    return 0;
  }
  const chosen = COMMANDS.find((command) => command.name === name);
  if (chosen) return "entries" in chosen ? await runGroup(chosen, args) : await runCommand(chosen, args);
  const figures = FIGURE.entries.map((entry): [string, string] => [entry.name.split(" ")[1], entry.name]);
  return refuse("command", name, COMMANDS.map((command) => command.name), new Map(figures));
};

if (import.meta.main) Deno.exit(await main(Deno.args));
