import { z } from "@hono/zod-openapi";
import { SAMPLERS } from "../core/mod.ts";

/**
 * What a caller may ask of the sampler, over HTTP and on the command line alike. Unknown parameters are refused.
 *
 * Ranges that depend on the model (steps ≤ T, labels, guidance) are checked by `resolveSampling`.
 */
export const samplingParameters = z.strictObject({
  n: z.int().min(1).max(64).default(1)
    .describe("Number of images"),
  first: z.int().min(0).max(2 ** 31 - 1).optional()
    .describe("Index of the first image: with n = 1, this one of a larger request alone. Default: 0"),
  seed: z.int().min(0).optional()
    .describe("Seed of the noise; the same seed gives the same images. Default: random, reported with the images"),
  sampler: z.enum(SAMPLERS).default("ddpm")
    .describe("Sampler: ancestral DDPM, DDIM, Heun, or DPM-Solver++ 2M"),
  steps: z.int().min(1).optional()
    .describe("Denoising steps, at most the model's number of timesteps T. Default: 50, or T if smaller"),
  spacing: z.enum(["leading", "linspace", "trailing"]).optional()
    .describe(
      "How the steps are spread over the T timesteps. Default: as the model's scheduler says for ddpm and ddim, else linspace",
    ),
  eta: z.number().min(0).max(1).optional()
    .describe("DDIM's noise: 0 is deterministic, 1 is ancestral. Only with sampler ddim. Default: 0"),
  label: z.union([z.int().min(0), z.string().min(1)]).optional()
    .describe("Class of all images, by name or by index. Default: the images cycle through the classes"),
  guidance: z.number().min(0).max(20).default(1)
    .describe("Classifier-free guidance scale; 1 is off"),
  variance: z.enum(["fixed_small", "fixed_large"]).optional()
    .describe("Variance of DDPM's steps: β̃ or β. Only with sampler ddpm. Default: as the model's scheduler says"),
});

/** Sampling parameters as a caller gives them, defaults filled in. */
export type SamplingParameters = z.output<typeof samplingParameters>;
