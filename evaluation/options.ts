import { z } from "zod";
import { engineOptions } from "../engine/options.ts";

/** The options of every evaluation, whatever it measures. */
export const sharedOptions = z.object({
  model: z.string().min(1).default("models/digits")
    .describe("Folder of the model, in diffusers' layout"),
  data: z.string().min(1).default("mnist-test")
    .describe("Images to hold it against: a name that deno task data lists, or a path as for deno task train"),
  size: z.int().min(1).max(4096).optional()
    .describe("Pixels per side: every image is cropped to its middle square and resized to this"),
  classes: z.array(z.string().min(1).max(256)).min(1).optional()
    .describe("Take the images of these classes alone, by their names in the data"),
  n: z.int().min(1).max(2 ** 32 - 1).optional()
    .describe("Number of images. Default: the metric's own"),
  seed: z.int().min(0).default(0)
    .describe("Picks the images and all noise"),
  batch: z.int().min(1).max(1024).default(16)
    .describe("Images that the network is asked for together; changes speed and memory, not the numbers"),
  out: z.string().min(1).optional()
    .describe("Folder for the results, and for what a stopped evaluation goes on from. Default: in runs/evaluations/"),
  ...engineOptions,
});

/** {@linkcode sharedOptions}, filled in. */
export type SharedOptions = z.output<typeof sharedOptions>;
