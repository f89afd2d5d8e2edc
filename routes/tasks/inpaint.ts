import { z } from "@hono/zod-openapi";
import { EXAMPLE_IMAGE, EXAMPLE_MASK } from "../input/example_images.ts";
import { commonFields, imageField, samplingFields } from "../input/fields.ts";
import { labelItems, parametersOf, resolveChosen } from "./sampling.ts";
import { defineTask } from "./task.ts";

/** Parts of an image drawn anew. */
export const inpaint = defineTask({
  name: "inpaint",
  summary: "Draw parts of an image anew",
  description:
    "RePaint (Lugmayr et al. 2022): where the mask is white the model draws, where it is black the image stays. " +
    "The network is asked about jump_n_sample times as often as there are steps.",
  images: ["image", "mask"],
  fields: (options) => {
    const { sampler, ...sampling } = samplingFields(options);
    return z.strictObject({
      image: imageField("The image: PNG, JPEG or WebP, cropped and resized to the model's size"),
      mask: imageField("What to draw anew: white is drawn, black is kept; cropped and resized as the image is"),
      jump_length: z.int().min(1).max(1000).default(10)
        .openapi({ description: "Steps of one jump back, the paper's j", example: 5 }),
      jump_n_sample: z.int().min(1).max(100).default(10)
        .openapi({ description: "Times that each stretch is sampled, the paper's r; 1 never goes back", example: 2 }),
      ...sampling,
      sampler: z.enum(["ddpm", "ddim"]).default("ddpm")
        .openapi({ description: "Sampler: ancestral DDPM, or DDIM", example: sampler.def.defaultValue }),
      ...commonFields(options),
    });
  },
  example: { image: EXAMPLE_IMAGE, mask: EXAMPLE_MASK, n: 2, steps: 20, jump_length: 5, jump_n_sample: 2, seed: 7 },
  prepare: async (input, { model, image, mask }) => {
    const sampling = resolveChosen(input, model, { unlabelled: true });
    const { jump_length: jumpLength, jump_n_sample: jumpSamples } = input;
    const source = {
      kind: "inpaint",
      sampling,
      image: await image("image", input.image),
      mask: await mask("mask", input.mask),
      jumpLength,
      jumpSamples,
    } as const;
    return {
      parameters: {
        ...parametersOf(sampling, input.label),
        jump_length: jumpLength,
        jump_n_sample: jumpSamples,
      },
      source,
      labels: sampling.labels,
      finish: (values) => ({ values, items: labelItems(sampling, model) }),
    };
  },
});
