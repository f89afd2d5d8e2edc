import { z } from "@hono/zod-openapi";
import { commonFields, samplingFields } from "../input/fields.ts";
import { labelItems, parametersOf, resolveChosen } from "./sampling.ts";
import { defineTask } from "./task.ts";

/** Images from noise. */
export const generate = defineTask({
  name: "generate",
  summary: "Draw images",
  description:
    "Images from noise, one as it is and several as a grid, by Algorithm 2 of the paper or a later sampler. " +
    "Image i depends on the seed and on i alone: the same parameters give the same bytes.",
  images: [],
  fields: (options) => z.strictObject({ ...samplingFields(options), ...commonFields(options) }),
  example: { n: 4, sampler: "ddim", steps: 20, seed: 7 },
  prepare: (input, { model }) => {
    const sampling = resolveChosen(input, model);
    return Promise.resolve({
      parameters: parametersOf(sampling, input.label),
      source: { kind: "generate", sampling },
      labels: sampling.labels,
      finish: (values) => ({ values, items: labelItems(sampling, model) }),
    });
  },
});
