import { z } from "zod";
import { defineCommand } from "./command.ts";
import { drawingOptions, modelOptions, outOption } from "./figures/options.ts";

const { label: _, ...drawing } = drawingOptions;

/** The options of `gallery`. */
export const galleryOptions = z.strictObject({
  ...modelOptions,
  out: outOption("gallery"),
  labels: z.array(z.string().min(1)).max(32).default([])
    .describe(
      "Classes, a row each, by name or by index; all for every one. Default: images of no class, if the model can",
    ),
  rows: z.int().min(1).max(32).default(6)
    .describe("Rows of images; as many as there are --labels, where there are any"),
  columns: z.int().min(1).max(32).default(12)
    .describe("Images in a row"),
  ...drawing,
});

/** The `gallery` command: a figure of a model's images. */
export const gallery = defineCommand({
  options: galleryOptions,
  short: { model: "m", out: "o", seed: "s" },
  examples: [
    { line: "deno task gallery --seed 7", does: "72 images of no class, into gallery.svg and gallery.png." },
    {
      line: "deno task gallery --labels all --columns 10 --guidance 2 -o classes",
      does: "A row a class, with guidance.",
    },
    {
      line: "deno task gallery --labels 3,8 --sampler ddim --steps 50",
      does: "Threes and eights by 50 steps of DDIM.",
    },
  ],
  run: async (options) => (await import("./figures/gallery.ts")).drawGallery(options),
});
