/**
 * Evaluation: how good a model is, in numbers. This file lists the metrics with their options. The terms of the bound
 * are core's, and sampling draws the images; what a run measures of itself, its loss among it, is training's.
 *
 * Read `metric.ts` first, then `subject.ts`, the model and the images that a metric is measured on. `likelihood/` is
 * the variational bound; `quality/` compares sets of images by the features of a network, and trains one for that.
 *
 * @module
 */
import { z } from "zod";
import { samplingParameters } from "../sampling/parameters.ts";
import { CLASS_SHARES } from "../training/choices.ts";
import { defineMetric, type Metric } from "./metric.ts";
import { RESIZE_METHODS } from "./quality/inception/resize.ts";

/** `bpd`: the variational bound on the negative log-likelihood. */
const bpdMetric = defineMetric({
  name: "bpd",
  summary: "the variational bound in bits per dimension, term by term, with rate and distortion",
  options: {
    respacing: z.string().min(1).optional()
      .describe(
        "Timesteps to keep, for the bound of a process of fewer: a number of them, evenly spaced, one number for each " +
          "of several sections (10,15,20), or ddimN. Default: all",
      ),
    variance: z.enum(["fixed_small", "fixed_large"]).optional()
      .describe("Variance of the reverse process. Default: the model's own"),
    unconditional: z.boolean().default(false)
      .describe("Ask a model of classes with its class that stands for none, and not with those of the images"),
  },
  load: async () => (await import("./likelihood/bits_per_dim.ts")).measureBitsPerDim,
});

const { sampler, steps, spacing, eta, label, guidance } = samplingParameters.shape;

/** What is measured does not change with what a model's card recommends. */
const fixedDefaults = {
  sampler: sampler.unwrap().default("ddpm")
    .describe("Sampler: ancestral DDPM, DDIM, Heun, or DPM-Solver++ 2M"),
  steps: steps.describe("Denoising steps, at most the model's number of timesteps T. Default: 50, or T if smaller"),
  eta: eta.describe("DDIM's noise: 0 is deterministic, 1 is ancestral. Only with sampler ddim. Default: 0"),
  guidance: guidance.unwrap().default(1).describe("Classifier-free guidance scale; 1 is off"),
} as const;

/** Which samples are measured. */
const sampleOptions = {
  samples: z.string().min(1).optional()
    .describe("Images to measure in place of the model's: an .npz, a folder of pictures, or a name, as of --data"),
  ...fixedDefaults,
  spacing,
  label,
  classShares: z.enum(CLASS_SHARES).default("equal")
    .describe("How often samples are of each class: equal, one after the other, or as in --data"),
  cache: z.string().min(1).default("runs/features")
    .describe("Folder in which features are kept, so that nothing is computed twice"),
} as const;

/** Which samples are measured, and by what. */
const comparisonOptions = {
  ...sampleOptions,
  features: z.string().min(1).default("models/digits-classifier")
    .describe(
      "What compares images: the folder of a classifier (deno task classifier), or FID's InceptionV3 as .safetensors " +
        "(scripts/convert_inception.py)",
    ),
  resize: z.enum(RESIZE_METHODS).optional()
    .describe("How images are brought to InceptionV3's 299×299: as FID's own code, pytorch-fid or clean-fid do it"),
} as const;

/** `fid`: the Fréchet distance of samples from the data. */
const fidMetric = defineMetric({
  name: "fid",
  summary: "the Fréchet distance between samples and the data",
  options: comparisonOptions,
  load: async () => (await import("./quality/measures.ts")).measureFid,
});

/** `kid`: the kernel distance of samples from the data. */
const kidMetric = defineMetric({
  name: "kid",
  summary: "the kernel distance between them, with its standard error",
  options: {
    ...comparisonOptions,
    subsets: z.int().min(2).max(10_000).default(100)
      .describe("Random subsets that are averaged over"),
    subsetSize: z.int().min(2).max(100_000).default(1000)
      .describe("Images of each set in a subset"),
  },
  load: async () => (await import("./quality/measures.ts")).measureKid,
});

/** `pr`: improved precision and recall. */
const precisionRecallMetric = defineMetric({
  name: "pr",
  summary: "improved precision and recall",
  options: {
    ...comparisonOptions,
    neighbours: z.int().min(1).max(1000).optional()
      .describe(
        "An image's reach is its distance to this nearest one of its own set. Default: 3, or all others where there are fewer",
      ),
  },
  load: async () => (await import("./quality/measures.ts")).measurePrecisionRecall,
});

/** `is`: the Inception Score. */
const inceptionScoreMetric = defineMetric({
  name: "is",
  summary: "the Inception Score of samples, by the classes of --features",
  options: {
    ...comparisonOptions,
    splits: z.int().min(1).max(1000).optional()
      .describe("Parts of the samples that are averaged over. Default: 10, or one a sample where there are fewer"),
  },
  load: async () => (await import("./quality/measures.ts")).measureInceptionScore,
});

/** `nearest`: whether a model repeats what it learned. */
const nearestMetric = defineMetric({
  name: "nearest",
  summary: "how near samples come to the data that was learned",
  options: {
    ...sampleOptions,
    heldOut: z.string().min(1).optional()
      .describe("Images that were not learned, to compare with: a name or a path, as of --data"),
    pairs: z.int().min(1).max(24).default(12)
      .describe("Samples in each row of the picture"),
  },
  load: async () => (await import("./quality/measure_nearest.ts")).measureNearest,
});

/** All that can be measured. */
export const METRICS: readonly Metric[] = [
  bpdMetric,
  fidMetric,
  kidMetric,
  precisionRecallMetric,
  inceptionScoreMetric,
  nearestMetric,
];

/** The metric of a name that `--metric` has let through. */
export const metricOf = (name: string): Metric => METRICS.find((metric) => metric.name === name)!;
