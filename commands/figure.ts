import { z } from "zod";
import { INTERPOLATIONS } from "../core/interpolation.ts";
import { SCHEDULES } from "../core/schedules.ts";
import { engineOptions } from "../engine/options.ts";
import { samplingParameters } from "../sampling/parameters.ts";
import { defineCommand } from "./cli/command.ts";

/** The options of every command that draws a figure of a model. */
const modelOptions = {
  model: z.string().min(1).default("models/digits")
    .describe("Folder of the model, in diffusers' layout"),
};

/** Where a figure goes. */
const outOption = (name: string) =>
  z.string().min(1).default(`runs/${name}`)
    .describe("Files to write: NAME.svg and NAME.png; with either ending, that one alone. Older ones are replaced");

/** The files that `--out` names. */
export const figurePaths = (out: string): string[] => /\.(svg|png)$/i.test(out) ? [out] : [`${out}.svg`, `${out}.png`];

/** The images that a figure begins with. */
const sourceOptions = (images: string) => ({
  image: z.array(z.string().min(1)).default([])
    .describe(`PNG, JPEG or WebP files, ${images}, cut and resized to the model's size. Default: drawn by the model`),
  data: z.string().min(1).optional()
    .describe("A data set to take images of, as train has it, in the place of --image"),
  index: z.array(z.int().min(0)).default([])
    .describe(`Which images of --data, ${images}; from 0 on by default`),
});

const { n: _, ...samplingWithoutN } = samplingParameters.shape;
const { sampler, steps, eta, guidance } = samplingWithoutN;

/** How images are drawn: as a request says it. */
const requestOptions = {
  ...samplingWithoutN,
  batch: z.int().min(1).max(1024).default(16)
    .describe("Images denoised together; affects speed and memory, never the images"),
  ...engineOptions,
};

/** How a figure of the paper is drawn: as a request says it, but by the paper's sampler and in all of its steps. */
const drawingOptions = {
  ...requestOptions,
  sampler: sampler.unwrap().default("ddpm").describe("Sampler: ancestral DDPM, DDIM, Heun, or DPM-Solver++ 2M"),
  steps: steps.describe("Denoising steps. Default: the model's number of timesteps T, as in the paper"),
  eta: eta.describe("DDIM's noise: 0 is deterministic, 1 is ancestral. Only with sampler ddim. Default: 0"),
  guidance: guidance.unwrap().default(1).describe("Classifier-free guidance scale; 1 is off"),
};

/** A timestep as the paper counts them: 0 is the image, 1 … T are its noisy versions. */
const timestep = z.int().min(0);

/** The options of `figure chain`. */
export const chainOptions = z.strictObject({
  ...modelOptions,
  out: outOption("chain"),
  t: z.int().min(1).optional()
    .describe("The timestep of the node x_t, counted as in the paper, 1 … T. Default: the middle, T/2"),
  ...drawingOptions,
});

/** The `figure chain` command: figure 2 of the paper. */
export const chainCommand = defineCommand({
  options: chainOptions,
  short: { model: "m", out: "o", seed: "s" },
  paths: ({ model, out }) => ({ read: { model }, write: { out: figurePaths(out) } }),
  examples: [
    { line: "deno task figure chain --seed 7", does: "Into runs/chain.svg and runs/chain.png." },
    {
      line: "deno task figure chain --model models/ddpm-celebahq-256 --t 400 -o runs/figure2.svg",
      does: "The paper's own.",
    },
  ],
});

/** The options of `figure forward`. */
export const forwardOptions = z.strictObject({
  ...modelOptions,
  out: outOption("forward"),
  ...sourceOptions("one a row, at most 8"),
  t: z.array(timestep).max(24).default([])
    .describe("Timesteps to show, counted as in the paper: 0 is the image, T noise. Default: eleven, from 0 to T"),
  schedule: z.enum(SCHEDULES).optional()
    .describe("Noise schedule. Default: the model's own"),
  ...drawingOptions,
  seed: drawingOptions.seed.describe("Seed of the noise, and of the image that the model draws. Default: random"),
});

/** The `figure forward` command: a figure of images that dissolve into noise. */
export const forwardCommand = defineCommand({
  options: forwardOptions,
  short: { model: "m", out: "o", seed: "s" },
  paths: ({ model, image, data, out }) => ({ read: { model, image, data }, write: { out: figurePaths(out) } }),
  examples: [
    {
      line: "deno task figure forward --data mnist-test --index 1,4,7",
      does: "Three digits, in runs/forward.svg and runs/forward.png.",
    },
    {
      line: "deno task figure forward --image cat.jpg --schedule cosine -o runs/cat.svg",
      does: "A picture of your own.",
    },
    {
      line: "deno task figure forward --t 0,1,10,100,1000 --seed 7",
      does: "An image of the model's, at these timesteps.",
    },
  ],
});

/** The options of `figure reverse`. */
export const reverseOptions = z.strictObject({
  ...modelOptions,
  out: outOption("reverse"),
  n: z.int().min(1).max(8).default(1)
    .describe("Number of images, two rows each"),
  t: z.array(timestep).max(24).default([])
    .describe(
      "Timesteps to show, counted as in the paper: T is noise, 0 the image; of each the nearest that the sampler visits. " +
        "Default: eleven, from T to 0",
    ),
  ...drawingOptions,
});

/** The `figure reverse` command: a figure of images that emerge from noise. */
export const reverseCommand = defineCommand({
  options: reverseOptions,
  short: { model: "m", out: "o", n: "n", seed: "s" },
  paths: ({ model, out }) => ({ read: { model }, write: { out: figurePaths(out) } }),
  examples: [
    { line: "deno task figure reverse --seed 7", does: "Algorithm 2, all T steps, into runs/reverse.svg and .png." },
    { line: "deno task figure reverse --sampler ddim --steps 50 -n 3", does: "Three images by 50 steps of DDIM." },
    {
      line: "deno task figure reverse --label 3 --guidance 2 --t 1000,500,250,100,10,0",
      does: "A three, at these timesteps.",
    },
  ],
});

const { label: _label, ...drawingWithoutLabel } = {
  ...requestOptions,
  steps: steps.describe("Denoising steps. Default: those of the model's card, with its sampler; or else T"),
};

/** The options of `figure gallery`. */
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
  ...drawingWithoutLabel,
});

/** The `figure gallery` command: a figure of a model's images. */
export const galleryCommand = defineCommand({
  options: galleryOptions,
  short: { model: "m", out: "o", seed: "s" },
  paths: ({ model, out }) => ({ read: { model }, write: { out: figurePaths(out) } }),
  examples: [
    { line: "deno task figure gallery --seed 7", does: "72 images of no class, into runs/gallery.svg and .png." },
    {
      line: "deno task figure gallery --labels all --columns 10 --guidance 2 -o runs/classes",
      does: "A row a class, with guidance.",
    },
    {
      line: "deno task figure gallery --labels 3,8 --sampler ddim --steps 50",
      does: "Threes and eights by 50 steps of DDIM.",
    },
  ],
});

/** The options of `figure interpolate`. */
export const interpolateOptions = z.strictObject({
  ...modelOptions,
  out: outOption("interpolation"),
  ...sourceOptions("two"),
  t: z.array(timestep).max(16).default([])
    .describe(
      "Timesteps at which the latents are mixed, a row each, counted as in the paper; at 0 it is the images themselves. " +
        "Default: half the schedule, 500 of 1000",
    ),
  method: z.enum(INTERPOLATIONS).default("linear")
    .describe("How latents are mixed: linear as in the paper; spherical keeps the norm of noise"),
  ...drawingOptions,
  label: drawingOptions.label.describe("Class of what is drawn, by name or by index. Default: none, if the model can"),
});

/** The `figure interpolate` command: figures 8 and 9 of the paper. */
export const interpolateCommand = defineCommand({
  options: interpolateOptions,
  short: { model: "m", out: "o", seed: "s" },
  paths: ({ model, image, data, out }) => ({ read: { model, image, data }, write: { out: figurePaths(out) } }),
  examples: [
    {
      line: "deno task figure interpolate --data mnist-test --index 3,18",
      does: "Between two digits, mixed at half of T.",
    },
    {
      line: "deno task figure interpolate --image a.jpg,b.jpg --t 1000,750,500,250,0",
      does: "A row each, as figure 9.",
    },
    {
      line: "deno task figure interpolate --seed 7 --sampler ddim --steps 100",
      does: "Between two that the model draws.",
    },
  ],
});

/** The options of `figure network`. */
export const networkOptions = z.strictObject({ ...modelOptions, out: outOption("network") });

/** The `figure network` command: a model's U-Net, layer by layer. */
export const networkCommand = defineCommand({
  options: networkOptions,
  short: { model: "m", out: "o" },
  paths: ({ model, out }) => ({ read: { model }, write: { out: figurePaths(out) } }),
  examples: [
    { line: "deno task figure network", does: "The network of the digits, in runs/network.svg and runs/network.png." },
    { line: "deno task figure network -m models/ddpm-cifar10-32 -o runs/unet.svg", does: "The paper's own." },
  ],
});

/** The options of `figure paths`. */
export const pathsOptions = z.strictObject({
  out: outOption("paths"),
  seed: samplingParameters.shape.seed.describe("Seed of the noise. Default: random"),
});

/** The `figure paths` command: how samplers move, on data of one dimension. It needs no model. */
export const pathsCommand = defineCommand({
  options: pathsOptions,
  short: { out: "o", seed: "s" },
  paths: ({ out }) => ({ write: { out: figurePaths(out) } }),
  examples: [{ line: "deno task figure paths --seed 7", does: "Into runs/paths.svg and runs/paths.png." }],
});
