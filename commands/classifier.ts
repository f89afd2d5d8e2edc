import { z } from "zod";
import { engineOptions } from "../engine/options.ts";
import { defineCommand } from "./cli/command.ts";

/** The options of `classifier`. */
export const classifierOptions = z.strictObject({
  data: z.string().min(1).default("mnist")
    .describe("Images to learn from, with classes: a name or a path, as of train"),
  test: z.string().min(1).optional()
    .describe(
      "Other images of the same classes, on which the accuracy is measured. Default: the test part of mnist, cifar10 or emoji",
    ),
  size: z.int().min(1).max(4096).optional()
    .describe("Pixels per side: every image is cropped to its middle square and resized to this"),
  out: z.string().min(1).default("runs/classifier")
    .describe("Folder to write: config.json, model.safetensors, training.json"),
  widths: z.array(z.int().min(1).max(4096)).min(1).max(8).default([16, 32, 48, 48])
    .describe("Channels of each level; from one to the next, height and width halve"),
  features: z.int().min(1).max(4096).default(128)
    .describe("Outputs of the layer before the last, by which sets of images are compared"),
  epochs: z.int().min(1).max(1000).default(10)
    .describe("Passes over the images"),
  batch: z.int().min(1).max(4096).optional()
    .describe("Images a step. Default: 64, or all where there are fewer"),
  lr: z.number().gt(0).max(1).default(1e-3)
    .describe("Initial learning rate of Adam; it decays linearly to 0"),
  shift: z.int().min(0).max(64).default(2)
    .describe("Most pixels by which an image is shifted at random in each direction"),
  seed: z.int().min(0).default(0)
    .describe("Decides the first weights, the order of the images and how they are moved"),
  ...engineOptions,
});

/** The `classifier` command: a feature extractor for `evaluate`, trained on a dataset. */
export const classifierCommand = defineCommand({
  options: classifierOptions,
  short: { out: "o", seed: "s" },
  paths: ({ data, test, out }) => ({ read: { data, test, out }, write: { out } }),
  examples: [
    { line: "deno task classifier", does: "A classifier of digits, as models/digits-classifier was made." },
    { line: "deno task classifier --data cifar10 --test cifar10-test -o runs/c10", does: "One of photographs." },
  ],
});
