import { z } from "@hono/zod-openapi";
import { INTERPOLATIONS } from "../../core/mod.ts";
import { ParameterError } from "../../sampling/errors.ts";
import type { InterpolationSource } from "../../sampling/request.ts";
import { commonFields, imageField, samplingFields, seedField, timestepField } from "../input/fields.ts";
import { onlySet, parametersOf, resolveChosen } from "./sampling.ts";
import { defineTask } from "./task.ts";
import { checkTimestep } from "./timestep.ts";

interface Ends {
  readonly image_a?: Uint8Array<ArrayBuffer> | string;
  readonly image_b?: Uint8Array<ArrayBuffer> | string;
  readonly seed_a?: number;
  readonly seed_b?: number;
}

/** Two images or two seeds, and not a mixture. */
const checkEnds = ({ image_a, image_b, seed_a, seed_b }: Ends): void => {
  const images = [image_a, image_b].filter((image) => image !== undefined).length;
  const seeds = [seed_a, seed_b].filter((seed) => seed !== undefined).length;
  if ((images === 2 && seeds === 0) || (images === 0 && seeds === 2)) return;
  const allowed = "given as image_a and image_b, or as seed_a and seed_b";
  throw new ParameterError([{ field: "ends", received: `${images} images and ${seeds} seeds`, allowed }]);
};

/** Images between two. */
export const interpolate = defineTask({
  name: "interpolate",
  summary: "Draw images between two",
  description:
    "The latents x_t of two images, or the x_T of two seeds, are mixed for each λ and denoised (section 4.4 of " +
    "the paper). By default an image is noised for half the schedule and denoised in as many steps: 500 of 1000.",
  images: ["image_a", "image_b"],
  fields: (options) => {
    const { n: _, first: __, ...sampling } = samplingFields(options);
    return z.strictObject({
      image_a: imageField("The image at λ = 0: PNG, JPEG or WebP, cropped and resized to the model's size").optional(),
      image_b: imageField("The image at λ = 1").optional(),
      seed_a: seedField("The seed whose x_T is the latent at λ = 0, in the place of image_a")
        .openapi({ examples: [1] }),
      seed_b: seedField("The seed whose x_T is the latent at λ = 1, in the place of image_b")
        .openapi({ examples: [2] }),
      t: timestepField(
        options,
        "Timestep whose latents of the images are mixed, 0 … T − 1. Default: half the schedule, T/2 − 1",
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
  example: { seed_a: 1, seed_b: 2, lambdas: 5, sampler: "ddim", steps: 20, method: "spherical" },
  prepare: async (input, { model, limits, image }) => {
    checkEnds(input);
    const { image_a, image_b, seed_a, seed_b, lambdas: n, method } = input;
    const fromImages = image_a !== undefined;
    if (input.label === undefined && model.labels !== null && model.nullLabel === null) {
      throw new ParameterError([{
        field: "label",
        received: null,
        allowed: "given: this model draws no image without",
      }]);
    }
    const steps = input.steps ?? Math.min(model.timesteps, limits.steps);
    const sampling = resolveChosen({ ...input, steps, n }, model, { unlabelled: true });
    const t = checkTimestep(input.t, model);
    const lambdas = Array.from({ length: n }, (_, i) => i / (n - 1));
    const sources: readonly [InterpolationSource, InterpolationSource] = fromImages
      ? [{ image: await image("image_a", image_a) }, { image: await image("image_b", image_b!) }]
      : [{ seed: seed_a! }, { seed: seed_b! }];
    const { n: _, ...parameters } = parametersOf(sampling, input.label);
    return {
      parameters: onlySet({ ...parameters, lambdas: n, method, t: fromImages ? t : undefined, seed_a, seed_b }),
      source: { kind: "interpolate", sampling, sources, t, lambdas, method },
      labels: sampling.labels,
      columns: n,
      finish: (values) => ({ values, items: lambdas.map((lambda) => ({ lambda })) }),
    };
  },
});
