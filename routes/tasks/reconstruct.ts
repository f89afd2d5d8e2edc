import { z } from "@hono/zod-openapi";
import { ParameterError } from "../../sampling/errors.ts";
import { EXAMPLE_IMAGE } from "../input/example_images.ts";
import { commonFields, imageField, samplingFields } from "../input/fields.ts";
import { labelItems, onlySet, resolveChosen } from "./sampling.ts";
import { defineTask } from "./task.ts";

const meanSquaredError = (a: Float32Array, b: Float32Array): number => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] - b[i]) ** 2;
  return sum / a.length;
};

/** An image taken to its x_T and back. */
export const reconstruct = defineTask({
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
    if (input.label === undefined && model.labels !== null && model.nullLabel === null) {
      throw new ParameterError([{
        field: "label",
        received: null,
        allowed: "given: this model draws no image without",
      }]);
    }
    const { label, spacing, steps } = input;
    const sampling = resolveChosen({ sampler: "ddim", seed: 0, steps, spacing, label }, model, { unlabelled: true });
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
