import { z } from "@hono/zod-openapi";
import { EXAMPLE_IMAGE } from "../input/example_images.ts";
import { commonFields, imageField, samplingFields, timestepField } from "../input/fields.ts";
import { labelItems, parametersOf, resolveChosen } from "./sampling.ts";
import { defineTask } from "./task.ts";
import { checkTimestep } from "./timestep.ts";

/** Variants of an image. */
export const img2img = defineTask({
  name: "img2img",
  summary: "Draw variants of an image",
  description:
    "Noise is added to the image up to timestep t, x_t ~ q(x_t | x_0), and taken away again. The later t, the " +
    "freer the variants. Of the sampler's steps, those above t are left out.",
  images: ["image"],
  fields: (options) =>
    z.strictObject({
      image: imageField("The image: PNG, JPEG or WebP, cropped and resized to the model's size"),
      t: timestepField(options, "Timestep to start at, 0 … T − 1. Default: half the schedule, T/2 − 1"),
      ...samplingFields(options),
      ...commonFields(options),
    }),
  example: { image: EXAMPLE_IMAGE, t: 60, n: 2, steps: 20, seed: 7 },
  prepare: async (input, { model, image }) => {
    const sampling = resolveChosen(input, model, { unlabelled: true });
    const t = checkTimestep(input.t, model);
    return {
      parameters: { ...parametersOf(sampling, input.label), t },
      source: { kind: "img2img", sampling, image: await image("image", input.image), t },
      labels: sampling.labels,
      finish: (values) => ({ values, items: labelItems(sampling, model) }),
    };
  },
});
