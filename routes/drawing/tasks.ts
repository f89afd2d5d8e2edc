import { z } from "@hono/zod-openapi";
import { INTERPOLATIONS } from "../../core/mod.ts";
import { ParameterError } from "../../sampling/errors.ts";
import type { InterpolationSource } from "../../sampling/request.ts";
import type { ReceivedImage } from "../codec/codecs.ts";
import {
  checkTimestep,
  commonFields,
  defineTask,
  EXAMPLE_IMAGE,
  EXAMPLE_MASK,
  imageField,
  labelItems,
  onlySet,
  parametersOf,
  requireLabel,
  resolveFields,
  samplingFields,
  seedField,
  timestepField,
} from "./task.ts";

/** Images from noise. */
export const generateTask = defineTask({
  name: "generate",
  summary: "Draw images",
  description:
    "Images from noise, one as it is and several as a grid, by Algorithm 2 of the paper or a later sampler. " +
    "Image i depends on the seed and on i alone: the same parameters give the same bytes.",
  images: [],
  fields: (options) => z.strictObject({ ...samplingFields(options), ...commonFields(options) }),
  example: { n: 4, sampler: "ddim", steps: 20, seed: 7 },
  prepare: (input, { model }) => {
    const sampling = resolveFields(input, model);
    return Promise.resolve({
      parameters: parametersOf(sampling, input.label),
      source: { kind: "generate", sampling },
      labels: sampling.labels,
      finish: (values) => ({ values, items: labelItems(sampling, model) }),
    });
  },
});

/** Variants of an image. */
export const img2imgTask = defineTask({
  name: "img2img",
  summary: "Draw variants of an image",
  description:
    "Noise is added to the image up to timestep t, x_t ~ q(x_t | x_0), and taken away again. The later t, the " +
    "freer the variants. Of the sampler's steps, those above t are left out.",
  images: ["image"],
  fields: (options) =>
    z.strictObject({
      image: imageField("The image: PNG, JPEG or WebP, cropped and resized to the model's size"),
      t: timestepField(
        options,
        "Timestep to start at, counted from 0: 0 … T − 1 are the paper's 1 … T. Default: half the schedule, T/2 − 1",
      ),
      ...samplingFields(options),
      ...commonFields(options),
    }),
  example: { image: EXAMPLE_IMAGE, t: 60, n: 2, steps: 20, seed: 7 },
  prepare: async (input, { model, image }) => {
    const sampling = resolveFields(input, model, { unlabelled: true });
    const t = checkTimestep(input.t, model);
    return {
      parameters: { ...parametersOf(sampling, input.label), t },
      source: { kind: "img2img", sampling, image: await image("image", input.image), t },
      labels: sampling.labels,
      finish: (values) => ({ values, items: labelItems(sampling, model) }),
    };
  },
});

/** Parts of an image drawn anew. */
export const inpaintTask = defineTask({
  name: "inpaint",
  summary: "Draw parts of an image anew",
  description:
    "RePaint (Lugmayr et al. 2022): where the mask is white the model draws, where it is black the image stays. " +
    "The network runs about jumpSamples times as often as there are steps.",
  images: ["image", "mask"],
  fields: (options) => {
    const { sampler, ...sampling } = samplingFields(options);
    return z.strictObject({
      image: imageField("The image: PNG, JPEG or WebP, cropped and resized to the model's size"),
      mask: imageField("What to draw anew: white is drawn, black is kept; cropped and resized as the image is"),
      jumpLength: z.int().min(1).max(1000).default(10)
        .openapi({ description: "Steps of one jump back, the paper's j (jump_length)", example: 5 }),
      jumpSamples: z.int().min(1).max(100).default(10)
        .openapi({
          description: "Times that each stretch is sampled, the paper's r (jump_n_sample); 1 never goes back",
          example: 2,
        }),
      ...sampling,
      sampler: z.enum(["ddpm", "ddim"]).default("ddpm")
        .openapi({ description: "Sampler: ancestral DDPM, or DDIM", example: sampler.def.defaultValue }),
      ...commonFields(options),
    });
  },
  example: { image: EXAMPLE_IMAGE, mask: EXAMPLE_MASK, n: 2, steps: 20, jumpLength: 5, jumpSamples: 2, seed: 7 },
  prepare: async (input, { model, image, mask }) => {
    const sampling = resolveFields(input, model, { unlabelled: true });
    const { jumpLength, jumpSamples } = input;
    const source = {
      kind: "inpaint",
      sampling,
      image: await image("image", input.image),
      mask: await mask("mask", input.mask),
      jumpLength,
      jumpSamples,
    } as const;
    return {
      parameters: { ...parametersOf(sampling, input.label), jumpLength, jumpSamples },
      source,
      labels: sampling.labels,
      finish: (values) => ({ values, items: labelItems(sampling, model) }),
    };
  },
});

interface InterpolationEnds {
  readonly imageA?: ReceivedImage;
  readonly imageB?: ReceivedImage;
  readonly seedA?: number;
  readonly seedB?: number;
}

/** Two images or two seeds, and not a mixture. */
const checkEnds = ({ imageA, imageB, seedA, seedB }: InterpolationEnds): void => {
  const images = [imageA, imageB].filter((image) => image !== undefined).length;
  const seeds = [seedA, seedB].filter((seed) => seed !== undefined).length;
  if ((images === 2 && seeds === 0) || (images === 0 && seeds === 2)) return;
  const allowed = "given as imageA and imageB, or as seedA and seedB";
  throw new ParameterError([{ field: "ends", received: `${images} images and ${seeds} seeds`, allowed }]);
};

/** Images between two. */
export const interpolateTask = defineTask({
  name: "interpolate",
  summary: "Draw images between two",
  description:
    "The latents x_t of two images, or the x_T of two seeds, are mixed for each λ and denoised (section 4.4 of " +
    "the paper). By default an image is noised for half the schedule and denoised in as many steps: 500 of 1000.",
  images: ["imageA", "imageB"],
  fields: (options) => {
    const { n: _, first: __, ...sampling } = samplingFields(options);
    return z.strictObject({
      imageA: imageField("The image at λ = 0: PNG, JPEG or WebP, cropped and resized to the model's size").optional(),
      imageB: imageField("The image at λ = 1").optional(),
      seedA: seedField("The seed whose x_T is the latent at λ = 0, in place of imageA")
        .openapi({ examples: [1] }),
      seedB: seedField("The seed whose x_T is the latent at λ = 1, in place of imageB")
        .openapi({ examples: [2] }),
      t: timestepField(
        options,
        "Timestep whose latents of the images are mixed, counted from 0: 0 … T − 1 are the paper's 1 … T. " +
          "Default: half the schedule, T/2 − 1",
      ),
      lambdas: z.int().min(2).max(options.limits.images).default(11)
        .openapi({ description: "Number of λ, evenly from 0 to 1, both included", example: 5 }),
      method: z.enum(INTERPOLATIONS).default("linear")
        .openapi({ description: "How latents are mixed: linear as in the paper; spherical keeps the norm of noise" }),
      ...sampling,
      steps: sampling.steps.openapi({ description: "Denoising steps over the whole schedule. Default: T, one each" }),
      ...commonFields(options),
    });
  },
  example: { seedA: 1, seedB: 2, lambdas: 5, sampler: "ddim", steps: 20, method: "spherical" },
  prepare: async (input, { model, limits, image }) => {
    checkEnds(input);
    const { imageA, imageB, seedA, seedB, lambdas: n, method } = input;
    const fromImages = imageA !== undefined;
    requireLabel(input.label, model);
    const steps = input.steps ?? Math.min(model.timesteps, limits.steps);
    const sampling = resolveFields({ ...input, steps, n }, model, { unlabelled: true });
    const t = checkTimestep(input.t, model);
    const lambdas = Array.from({ length: n }, (_, i) => i / (n - 1));
    const sources: readonly [InterpolationSource, InterpolationSource] = fromImages
      ? [{ image: await image("imageA", imageA) }, { image: await image("imageB", imageB!) }]
      : [{ seed: seedA! }, { seed: seedB! }];
    const { n: _, ...parameters } = parametersOf(sampling, input.label);
    return {
      parameters: onlySet({ ...parameters, lambdas: n, method, t: fromImages ? t : undefined, seedA, seedB }),
      source: { kind: "interpolate", sampling, sources, t, lambdas, method },
      labels: sampling.labels,
      columns: n,
      finish: (values) => ({ values, items: lambdas.map((lambda) => ({ lambda })) }),
    };
  },
});

const meanSquaredError = (a: Float32Array, b: Float32Array): number => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] - b[i]) ** 2;
  return sum / a.length;
};

/** An image taken to its x_T and back. */
export const reconstructTask = defineTask({
  name: "reconstruct",
  summary: "Take an image to its noise and back",
  description:
    "DDIM run backwards (Song et al. 2021, section 4.3) turns the image into the x_T that DDIM turns back into " +
    "it. The answer is what comes back; the measure mse is its mean squared error, of values in [-1, 1].",
  images: ["image"],
  fields: (options) => {
    const { steps, spacing, label } = samplingFields(options);
    return z.strictObject({
      image: imageField("The image: PNG, JPEG or WebP, cropped and resized to the model's size"),
      steps,
      spacing,
      label,
      ...commonFields(options),
    });
  },
  example: { image: EXAMPLE_IMAGE, steps: 50 },
  prepare: async (input, { model, image }) => {
    requireLabel(input.label, model);
    const { label, spacing, steps } = input;
    const sampling = resolveFields({ sampler: "ddim", seed: 0, steps, spacing, label }, model, { unlabelled: true });
    const start = await image("image", input.image);
    return {
      parameters: onlySet({ steps: sampling.steps, spacing, label }),
      source: { kind: "reconstruct", sampling, image: start },
      labels: sampling.labels,
      finish: (values) => ({
        values,
        items: labelItems(sampling, model),
        measures: { mse: meanSquaredError(values, start) },
      }),
    };
  },
});
