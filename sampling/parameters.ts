import { z } from "@hono/zod-openapi";
import { type SamplerName, SAMPLERS } from "../core/mod.ts";
import type { Recommendation } from "../model/card.ts";
import { ParameterError, type ParameterIssue } from "./errors.ts";

/**
 * What a caller may ask of the sampler, over HTTP and on the command line alike. Unknown parameters are refused.
 *
 * Ranges that depend on the model (steps ≤ T, labels, guidance) are checked by `resolveSampling`.
 */
export const samplingParameters = z.strictObject({
  n: z.int().min(1).max(64).default(1)
    .describe("Number of images"),
  first: z.int().min(0).max(2 ** 31 - 1).optional()
    .describe("Index of the first image; with n = 1, draws one image of a larger request. Default: 0"),
  seed: z.int().min(0).optional()
    .describe("Seed of the noise; the same seed gives the same images. Default: random, reported with the images"),
  sampler: z.enum(SAMPLERS).optional()
    .describe(
      "Sampler: ancestral DDPM, DDIM, Heun, or DPM-Solver++ 2M. Default: from the model's card, else ddpm",
    ),
  steps: z.int().min(1).optional()
    .describe(
      "Denoising steps, at most the model's number of timesteps T. " +
        "Default: from the model's card, with its sampler; else 50, or T if smaller",
    ),
  spacing: z.enum(["leading", "linspace", "trailing"]).optional()
    .describe(
      "How the steps are spread over the T timesteps. Default: as the model's scheduler says for ddpm and ddim, else linspace",
    ),
  eta: z.number().min(0).max(1).optional()
    .describe(
      "DDIM's noise: 0 is deterministic, 1 is ancestral. Only with sampler ddim. Default: from the model's card, else 0",
    ),
  label: z.union([z.int().min(0), z.string().min(1)]).optional()
    .describe("Class of all images, by name or by index. Default: the images cycle through the classes"),
  guidance: z.number().min(0).max(20).optional()
    .describe("Classifier-free guidance scale; 1 means off. Default: from the model's card, else 1"),
  variance: z.enum(["fixed_small", "fixed_large"]).optional()
    .describe("Variance of DDPM's steps: β̃ or β. Only with sampler ddpm. Default: as the model's scheduler says"),
});

/** Sampling parameters as a caller gives them. */
export type SamplingParameters = z.output<typeof samplingParameters>;

/** What the rules below need to know of a model. */
export interface ModelLimits {
  /** T, the number of timesteps it was trained with. */
  readonly timesteps: number;
  /** Names of the classes, by index; null for an unconditional model. */
  readonly labels: readonly string[] | null;
  /** Embedding index of "no class", which guidance needs; null if the model was trained without. */
  readonly nullLabel: number | null;
  /** What its card says of sampling. @default nothing */
  readonly recommended?: Recommendation;
}

/** What is done where a request leaves it open. */
export interface SamplingDefaults {
  readonly sampler: SamplerName;
  /** With that sampler. */
  readonly steps: number;
  readonly guidance: number;
  /** With that sampler; the sampler's own where it is left out. */
  readonly eta?: number;
}

/** The defaults of a model: what its card says, and where it says nothing those of all models. */
export const defaultsOf = ({ timesteps, recommended }: ModelLimits): SamplingDefaults => ({
  sampler: "ddpm",
  steps: Math.min(50, timesteps),
  guidance: 1,
  ...recommended,
});

/** A request with every choice made: what it says determines its images. */
export type ResolvedSampling = Readonly<
  & Omit<SamplingParameters, "label">
  & Required<Pick<SamplingParameters, "seed" | "steps" | "sampler" | "guidance">>
  & { /** Class of each image; null for an unconditional model. */ labels: number[] | null }
>;

/** A random seed: an integer of 53 random bits. */
export const randomSeed = (): number => {
  const [low, high] = crypto.getRandomValues(new Uint32Array(2));
  return (high >>> 11) * 2 ** 32 + low;
};

/** A class by name first, so that names which look like numbers keep their meaning; then by index; −1 if neither. */
const findLabel = (label: string | number, names: readonly string[]): number => {
  if (typeof label === "string" && names.includes(label)) return names.indexOf(label);
  const index = typeof label === "string" && !/^\d+$/.test(label) ? -1 : Number(label);
  return index < names.length ? index : -1;
};

/** The choice of classes in a message: all of a few, else the range of indices. */
const describeLabels = (names: readonly string[]): string =>
  names.length <= 20 ? `one of ${names.join(", ")}` : `the name of a class, or its index in [0, ${names.length - 1}]`;

/**
 * Fills in what the caller left open (a random seed among it) and checks the rules that depend on the model.
 *
 * @param options.usualSteps where neither the caller nor the card says how many, or the card's are of another sampler
 * @throws {ParameterError} that lists every parameter in the way
 */
export const resolveSampling = (
  parameters: SamplingParameters,
  model: ModelLimits,
  { usualSteps = Math.min(50, model.timesteps) }: { usualSteps?: number } = {},
): ResolvedSampling => {
  const { label, ...given } = parameters;
  const defaults = defaultsOf(model);
  const { n, first = 0, sampler = defaults.sampler, guidance = defaults.guidance, variance } = given;
  const own: Recommendation = sampler === defaults.sampler ? model.recommended ?? {} : {};
  const { steps = own.steps ?? usualSteps, eta = own.eta } = given;
  const issues: ParameterIssue[] = [];
  const refuse = (field: string, received: unknown, allowed: string) => issues.push({ field, received, allowed });

  if (steps > model.timesteps) {
    refuse("steps", steps, `in [1, ${model.timesteps}] (the model's number of timesteps)`);
  }
  if (eta !== undefined && sampler !== "ddim") {
    refuse("eta", eta, `absent with sampler ${sampler} (only ddim takes it)`);
  }
  if (variance !== undefined && sampler !== "ddpm") {
    refuse("variance", variance, `absent with sampler ${sampler} (only ddpm takes it)`);
  }
  if (guidance !== 1 && model.nullLabel === null) {
    refuse("guidance", guidance, "1 (off): this model was not trained for guidance");
  }

  let labels: number[] | null = null;
  if (model.labels !== null) {
    const names = model.labels;
    const index = label === undefined ? undefined : findLabel(label, names);
    if (index === -1) refuse("label", label, describeLabels(names));
    labels = Array.from({ length: n }, (_, i) => index ?? (first + i) % names.length);
  } else if (label !== undefined) {
    refuse("label", label, "absent: this model has no classes");
  }

  if (issues.length > 0) throw new ParameterError(issues);
  return { ...given, seed: given.seed ?? randomSeed(), sampler, steps, eta, guidance, labels };
};
