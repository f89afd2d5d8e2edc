import { z } from "@hono/zod-openapi";
import { SAMPLERS } from "../../core/mod.ts";
import { SCHEDULE_NAMES } from "../../model/scheduler_config.ts";
import type { ModelInfo } from "../../sampling/loaded_model.ts";
import { defaultsOf } from "../../sampling/parameters.ts";
import type { Serving } from "../../serving/serving.ts";

/** Where a model comes from that was added while the server ran. */
export interface ModelSource {
  /** The folder of the checkpoint. */
  readonly checkpoint: string;
  readonly job: string | null;
  /** The rate of the moving average that was asked for. */
  readonly ema: number | null;
  readonly addedAt: Date;
}

/** Those models, each with where it comes from. */
export type ModelSources = WeakMap<ModelInfo, ModelSource>;

const samplingSchema = z.object({
  sampler: z.enum(SAMPLERS),
  steps: z.int().openapi({ description: "With this sampler" }),
  guidance: z.number(),
  eta: z.number().optional().openapi({ description: "With this sampler" }),
});

/** How a model stands in an answer. */
export const modelSchema = z.object({
  name: z.string().openapi({ description: "What ?model= takes" }),
  default: z.boolean(),
  height: z.int(),
  width: z.int(),
  channels: z.int(),
  timesteps: z.int().openapi({ description: "T" }),
  labels: z.array(z.string()).nullable().openapi({ description: "Its classes; null if it has none" }),
  guidance: z.boolean().openapi({ description: "Whether it was trained for classifier-free guidance" }),
  parameters: z.int().openapi({ description: "Number of weights" }),
  prediction: z.enum(["epsilon", "sample", "v_prediction"]).openapi({ description: "What the network predicts" }),
  schedule: z.string().openapi({
    description: "Its noise schedule, as /schedules names it; trained where it has betas of its own",
  }),
  defaults: samplingSchema.openapi({ description: "What is done where a request leaves it open" }),
  recommended: samplingSchema.partial().openapi({ description: "What of that the model's card says" }),
  engine: z.object({ name: z.string(), version: z.string(), device: z.string() }),
  unheeded: z.array(z.string()).openapi({
    description: "What its saved scheduler or its card asks for and is not done, each with what is done instead",
    example: ["set_alpha_to_one false (the last step leads to ᾱ = 1)"],
  }),
  running: z.int().openapi({ description: "Images under way" }),
  queued: z.int().openapi({ description: "Images not yet begun" }),
  capacity: z.int().openapi({ description: "Rows of one network call" }),
  queuedRows: z.int().openapi({ description: "Rows of network calls that are still to be done, at most" }),
  queueLimit: z.int().openapi({ description: "Rows that may be asked for and not done; clients share them" }),
  added: z.object({
    at: z.iso.datetime(),
    checkpoint: z.string().openapi({ description: "Folder of the checkpoint" }),
    job: z.string().nullable(),
    ema: z.number().nullable().openapi({ description: "Rate of the moving average; null: the run's first" }),
  }).nullable().openapi({ description: "null for a model that the server was started with" }),
}).openapi("Model");

const scheduleOf = ({ trained_betas, beta_schedule }: ModelInfo["scheduler"]): string =>
  trained_betas ? "trained" : SCHEDULE_NAMES[beta_schedule];

/** Says what a model is, and how busy. */
export const describeModel = (
  info: ModelInfo,
  { serving, sources }: { serving: Serving; sources: ModelSources },
): z.output<typeof modelSchema> => {
  const { name, height, width, channels, timesteps, labels, nullLabel, parameters, scheduler, engine, unheeded } = info;
  const { live: running, waiting: queued, left, capacity, queue: queueLimit } = serving.stats.find(({ model }) =>
    model === name
  )!;
  const source = sources.get(info);
  return {
    name,
    default: serving.models[0] === info,
    height,
    width,
    channels,
    timesteps,
    labels: labels && [...labels],
    guidance: nullLabel !== null,
    parameters,
    prediction: scheduler.prediction_type,
    schedule: scheduleOf(scheduler),
    defaults: defaultsOf(info),
    recommended: { ...info.recommended },
    engine,
    unheeded: [...unheeded],
    running,
    queued,
    capacity,
    queuedRows: Math.ceil(left),
    queueLimit,
    added: source
      ? { at: source.addedAt.toISOString(), checkpoint: source.checkpoint, job: source.job, ema: source.ema }
      : null,
  };
};
