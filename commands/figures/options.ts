import { z } from "zod";
import { engineOptions } from "../../engine/options.ts";
import { samplingParameters } from "../../serving/parameters.ts";

/** The options of every command that draws a figure of a model. */
export const modelOptions = {
  model: z.string().min(1).default("models/digits")
    .describe("Folder of the model, in diffusers' layout"),
};

/** Where a figure goes. */
export const outOption = (name: string) =>
  z.string().min(1).default(name)
    .describe("Files to write: NAME.svg and NAME.png; with either ending, that one alone. Older ones are replaced");

/** The images that a figure begins with. */
export const sourceOptions = (images: string) => ({
  image: z.array(z.string().min(1)).default([])
    .describe(`PNG, JPEG or WebP files, ${images}, cut and resized to the model's size. Default: drawn by the model`),
  data: z.string().min(1).optional()
    .describe("A data set to take images of, as train has it, in the place of --image"),
  index: z.array(z.int().min(0)).default([])
    .describe(`Which images of --data, ${images}; from 0 on by default`),
});

const { n: _, ...sampling } = samplingParameters.shape;

/** How a figure's images are drawn: as a request says it, but in all of the paper's steps. */
export const drawingOptions = {
  ...sampling,
  steps: sampling.steps.describe("Denoising steps. Default: the model's number of timesteps T, as in the paper"),
  batch: z.int().min(1).max(1024).default(16)
    .describe("Images denoised together; changes speed and memory, never the images"),
  ...engineOptions,
};

/** A timestep as the paper counts them: 0 is the image, 1 … T are its noisy versions. */
export const timestep = z.int().min(0);
