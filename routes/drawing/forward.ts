import { z } from "@hono/zod-openapi";
import {
  betaSchedule,
  createDiffusion,
  type Diffusion,
  fillNormal,
  INITIAL_NOISE_STEP,
  qSample,
  type ScheduleName,
  SCHEDULES,
} from "../../core/mod.ts";
import { toBytes } from "../../formats/pixels.ts";
import { diffusionOf } from "../../model/scheduler_config.ts";
import type { ModelInfo } from "../../sampling/loaded_model.ts";
import { randomSeed } from "../../sampling/parameters.ts";
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

/** x_0 and its x_t ~ q(x_t | x_0), all with the noise that `img2img` with this seed gives its first image. */
const strip = (
  start: Float32Array<ArrayBuffer>,
  model: ModelInfo,
  { count, seed, schedule }: { count: number; seed: number; schedule?: ScheduleName },
): FinishedTask => {
  const diffusion = processOf(model, schedule);
  const noise = fillNormal(new Float32Array(start.length), { seed, sample: 0, step: INITIAL_NOISE_STEP });
  const timesteps = stripTimesteps(model.timesteps, count);
  const values = new Float32Array(count * start.length);
  values.set(start);
  timesteps.forEach((t, i) => values.set(qSample(diffusion, start, t, noise), (i + 1) * start.length));
  const frames = Array.from(
    { length: count },
    (_, i) => toBytes(values.subarray(i * start.length, (i + 1) * start.length)),
  );
  return { values, items: [{}, ...timesteps.map((t) => ({ t }))], frames };
};

const stripFields = ({ limits }: FieldOptions) => ({
  count: z.int().min(2).max(limits.images).default(11)
    .openapi({ description: "Images of the strip: x_0, then x_t for t evenly up to T − 1", example: 6 }),
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
      finish: (start) => strip(start, model, { count, seed, schedule }),
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
      finish: (values) => strip(values, model, { count, seed: sampling.seed, schedule }),
    });
  },
});
