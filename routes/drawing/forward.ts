import { z } from "@hono/zod-openapi";
import { betaSchedule, createDiffusion, type Diffusion, type ScheduleName, SCHEDULES } from "../../core/mod.ts";
import { diffusionOf } from "../../model/scheduler_config.ts";
import type { ModelInfo } from "../../sampling/loaded_model.ts";
import { randomSeed } from "../../sampling/parameters.ts";
import type { CodecRunner } from "../codec/codec.ts";
import {
  commonFields,
  defineTask,
  EXAMPLE_IMAGE,
  type FieldOptions,
  type FinishedTask,
  imageField,
  onlySet,
  parametersOf,
  resolveFields,
  samplingFields,
} from "./task.ts";

/** The timesteps of a strip of `count` images, the first of which is x_0 itself: evenly up to T − 1. */
export const stripTimesteps = (T: number, count: number): number[] =>
  Array.from({ length: count - 1 }, (_, i) => Math.max(0, Math.round((i + 1) * T / (count - 1)) - 1));

const processOf = ({ scheduler, timesteps }: ModelInfo, schedule: ScheduleName | undefined): Diffusion =>
  schedule === undefined ? diffusionOf(scheduler) : createDiffusion(betaSchedule(schedule, timesteps));

/** The strip of an image, made where it holds nobody up. */
const strip = async (
  start: Float32Array<ArrayBuffer>,
  model: ModelInfo,
  encoder: CodecRunner,
  { count, seed, schedule }: { count: number; seed: number; schedule?: ScheduleName },
): Promise<FinishedTask> => {
  const timesteps = stripTimesteps(model.timesteps, count);
  const images = await encoder.run("drawStrip", start, processOf(model, schedule), { timesteps, seed });
  return { ...images, items: [{}, ...timesteps.map((t) => ({ t }))] };
};

const stripFields = ({ limits }: FieldOptions) => ({
  count: z.int().min(2).max(limits.images).default(11)
    .openapi({
      description: "Images of the strip: x_0, then x_t for t evenly up to the last, T − 1 as counted from 0",
      example: 6,
    }),
  schedule: z.enum(SCHEDULES).optional()
    .openapi({ description: "Noise schedule; GET /schedules tells of each. Default: the model's own" }),
});

const summary = "Show an image dissolve into noise";

const description = "The strip of x_t ~ q(x_t | x_0) (eq. 4 of the paper), one noise for all t.";

/** The forward process of an image that was sent. */
export const forwardTask = defineTask({
  name: "forward",
  summary,
  description,
  images: ["image"],
  fields: (options) =>
    z.strictObject({
      image: imageField("The image: PNG, JPEG or WebP, cropped and resized to the model's size"),
      seed: samplingFields(options).seed,
      ...stripFields(options),
      ...commonFields(options),
    }),
  example: { image: EXAMPLE_IMAGE, count: 6, seed: 7 },
  prepare: async (input, { model, image }) => {
    const { count, schedule, seed = randomSeed() } = input;
    return {
      parameters: onlySet({ count, seed, schedule }),
      source: Float32Array.from(await image("image", input.image)),
      labels: null,
      columns: count,
      finish: (start, encoder) => strip(start, model, encoder, { count, seed, schedule }),
    };
  },
});

/** The forward process of an image that the model draws first. */
export const forwardOfDrawnTask = defineTask({
  name: "forward",
  summary,
  description: `${description} The image is the one that GET /generate draws with the same parameters.`,
  images: [],
  fields: (options) => {
    const { n: _, first: __, ...sampling } = samplingFields(options);
    return z.strictObject({ ...stripFields(options), ...sampling, ...commonFields(options) });
  },
  example: { count: 6, sampler: "ddim", steps: 20, seed: 7 },
  prepare: (input, { model }) => {
    const { count, schedule } = input;
    const sampling = resolveFields(input, model);
    const { n: _, ...parameters } = parametersOf(sampling, input.label);
    return Promise.resolve({
      parameters: onlySet({ ...parameters, count, schedule }),
      source: { kind: "generate", sampling },
      labels: null,
      columns: count,
      finish: (values, encoder) => strip(values, model, encoder, { count, seed: sampling.seed, schedule }),
    });
  },
});
