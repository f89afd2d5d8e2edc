import { type OpenAPIHono, z } from "@hono/zod-openapi";
import type { ModelInfo } from "../serving/model_info.ts";
import type { Serving } from "../serving/serving.ts";
import type { ApiKey } from "./access/keys.ts";
import { resource } from "./resource.ts";

const modelSchema = z.object({
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
  engine: z.object({ name: z.string(), version: z.string(), device: z.string() }),
  live: z.int().openapi({ description: "Images under way" }),
  waiting: z.int().openapi({ description: "Images not yet begun" }),
  capacity: z.int().openapi({ description: "Rows of one network call" }),
  queue: z.int().openapi({ description: "Images that may be asked for and not done" }),
}).openapi("Model");

const SCHEDULES = {
  linear: "linear",
  scaled_linear: "quadratic",
  squaredcos_cap_v2: "cosine",
  sigmoid: "sigmoid",
} as const;

const scheduleOf = ({ trained_betas, beta_schedule }: ModelInfo["scheduler"]): string =>
  trained_betas ? "trained" : SCHEDULES[beta_schedule];

/** `/models`: what is loaded, and how busy it is. */
export const modelRoutes = (
  app: OpenAPIHono,
  { serving, keys }: { serving: Serving; keys: readonly ApiKey[] },
): void => {
  const describe = (info: ModelInfo, i: number): z.output<typeof modelSchema> => {
    const { name, height, width, channels, timesteps, labels, nullLabel, parameters, scheduler, engine } = info;
    const { live, waiting, capacity, queue } = serving.stats.find(({ model }) => model === name)!;
    return {
      name,
      default: i === 0,
      height,
      width,
      channels,
      timesteps,
      labels: labels && [...labels],
      guidance: nullLabel !== null,
      parameters,
      prediction: scheduler.prediction_type,
      schedule: scheduleOf(scheduler),
      engine,
      live,
      waiting,
      capacity,
      queue,
    };
  };
  resource(app, "/models", {
    get: {
      id: "list_models",
      summary: "The models that are loaded",
      responses: {
        200: {
          description: "The default one first",
          content: { "application/json": { schema: z.array(modelSchema) } },
        },
      },
      answer: (c) => c.json(serving.models.map(describe), 200),
    },
  }, { keys, right: "generate", tag: "Models" });
};
