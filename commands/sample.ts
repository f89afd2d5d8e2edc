import { z } from "zod";
import { engineOptions } from "../engine/options.ts";
import { RESAMPLERS } from "../formats/enlarge.ts";
import { samplingParameters } from "../sampling/parameters.ts";
import { defineCommand } from "./cli/command.ts";

/** The options of `sample`: those of a request, and where from and where to. */
export const sampleOptions = z.strictObject({
  model: z.string().min(1).default("models/digits")
    .describe("Folder of the model, in diffusers' layout. The card in it (README.md) sets the sampling defaults"),
  out: z.string().min(1).default("runs/grid.png")
    .describe("File to write: .png (a grid), .npy, or .npz (arr_0; the classes as arr_1). An older one is replaced"),
  ...samplingParameters.shape,
  n: z.int().min(1).max(50000).optional()
    .describe(
      "Number of images. Default: as many as --latents holds, or 16, or fewer where they are too large for one .png",
    ),
  latents: z.string().min(1).optional()
    .describe(
      "Start from this x_T: a .npy of float32, shape (n, channels, height, width). Default: noise of the seed",
    ),
  dtype: z.enum(["float32", "uint8"]).optional()
    .describe(
      "What an array holds: float32 is NCHW in [-1, 1] as the sampler left it, uint8 is NHWC in 0 … 255. " +
        "Default: float32 for .npy, uint8 for .npz, where gray images become RGB, as evaluation scripts read them",
    ),
  scale: z.int().min(1).max(64).default(1)
    .describe("Enlargement of a .png: how often each pixel is repeated along each side; arrays accept only 1"),
  resampler: z.enum(RESAMPLERS).default("nearest")
    .describe("Resampling for --scale: nearest keeps the pixels sharp, lanczos smooths them"),
  batch: z.int().min(1).max(1024).default(16)
    .describe("Images denoised together; affects speed and memory, never the images"),
  ...engineOptions,
});

/** The `sample` command: images by a trained model, into a file. */
export const sampleCommand = defineCommand({
  options: sampleOptions,
  short: { model: "m", out: "o", n: "n", seed: "s" },
  paths: ({ model, latents, out }) => ({ read: { model, latents }, write: { out } }),
  examples: [
    { line: "deno task sample --scale 4", does: "16 images as a grid in runs/grid.png, large enough to look at." },
    {
      line: "deno task sample --sampler ddim --steps 50 -n 64 --seed 7 -o runs/grid.png",
      does: "The same 64 every time.",
    },
    { line: "deno task sample --label 3 --guidance 2 -n 9", does: "Nine threes, drawn with more insistence." },
    {
      line: "deno task sample -n 50000 -o runs/samples.npz",
      does: "Bytes under arr_0, as guided-diffusion's evaluator reads them.",
    },
    {
      line: "deno task sample --latents x.npy --sampler ddim -o runs/out.npy",
      does: "To compare with another program.",
    },
  ],
});
