import { type OpenAPIHono, z } from "@hono/zod-openapi";
import { join } from "@std/path";
import type { Context } from "hono";
import { SAMPLERS } from "../core/mod.ts";
import { JOB_ID, type Jobs } from "../jobs/jobs.ts";
import type { RunStorage } from "../jobs/storage/storage.ts";
import { SCHEDULE_NAMES } from "../model/scheduler_config.ts";
import type { ModelInfo } from "../sampling/loaded_model.ts";
import { defaultsOf } from "../sampling/parameters.ts";
import { ModelConflictError, ModelRefusedError, NoModelError, type Serving } from "../serving/serving.ts";
import type { ApiKey } from "./http/keys.ts";
import type { Log } from "./http/log.ts";
import { readInput } from "./http/read_input.ts";
import { type Operation, problemResponse, problemResponses, resource } from "./http/resource.ts";
import { CHECKPOINT, locateCheckpoints, type LocatedCheckpoints, MODELS, RUNS } from "./models/checkpoints.ts";
import { findModelFiles, type ModelSnapshots } from "./models/snapshots.ts";

/** What the resources of models need. */
export interface ModelDependencies {
  readonly serving: Serving;
  readonly jobs: Jobs;
  /** Brings here what other machines train; null where all runs lie here. */
  readonly storage: Pick<RunStorage, "fetch"> | null;
  readonly snapshots: ModelSnapshots;
  readonly sources: ModelSources;
  readonly keys: readonly ApiKey[];
  readonly log: Log;
}

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

/** Writes down, once a model is loaded, what its saved scheduler or its card asks for and is not done. */
export const logUnheeded = (log: Log, { name, unheeded }: ModelInfo): void => {
  if (unheeded.length > 0) log.info("settings not followed", { model: name, unheeded });
};

/** Says what a model is, and how busy. */
const describeModel = (
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

const addSchema = z.strictObject({
  job: z.string().regex(JOB_ID).optional()
    .openapi({ description: "Id of a job: its last checkpoint is loaded, whether it runs or has ended" }),
  checkpoint: z.string().max(200).regex(CHECKPOINT, `${MODELS}/NAME, ${RUNS}/NAME or ${RUNS}/NAME/checkpoints/step-N`)
    .optional()
    .openapi({ description: "In place of a job: a model, a run (its last checkpoint), or one of a run's checkpoints" }),
  name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/).optional()
    .openapi({ description: "What ?model= will take. Default: after the job, the run or the model" }),
  ema: z.number().min(0).lt(1).optional()
    .openapi({ description: "Rate of the moving average to load, of those that the run keeps. Default: its first" }),
  replace: z.boolean().default(false)
    .openapi({ description: "Take the place of the model of that name; what it is drawing it finishes" }),
}).superRefine(({ job, checkpoint }, context) => {
  if ((job === undefined) !== (checkpoint === undefined)) return;
  const message = job === undefined ? "given, or job" : "absent where job is given";
  context.addIssue({ code: "custom", path: ["checkpoint"], message });
});

/** Loads the first of the checkpoints that can be read. */
const loadFirst = async (
  { root, choices }: LocatedCheckpoints,
  options: { name: string; replace: boolean },
  { serving, snapshots }: ModelDependencies,
): Promise<{ info: ModelInfo; checkpoint: string }> => {
  let refusal: unknown;
  for (const { checkpoint, part } of choices) {
    let folder = join(checkpoint, part);
    try {
      if (root === RUNS) folder = await snapshots.take(checkpoint, part);
      else await findModelFiles(root, folder);
      return { info: await serving.add(folder, options), checkpoint };
    } catch (error) {
      await snapshots.remove(folder);
      if (!(error instanceof ModelRefusedError)) throw error;
      refusal ??= new ModelRefusedError(error.message.replaceAll(folder, join(checkpoint, part)), { cause: error });
    }
  }
  throw refusal;
};

/** `POST /models`: loads a model beside those that draw. */
const addModel = (deps: ModelDependencies): Operation => ({
  id: "addModel",
  summary: "Load a model, of a job that runs too",
  description:
    "The others draw on meanwhile. It is gone when the server ends. Of a run's checkpoints the newest that is sound is " +
    "loaded; a job that runs is sampled again by posting it anew, with replace.",
  right: "jobs",
  request: {
    body: {
      required: true,
      content: { "application/json": { schema: addSchema, example: { checkpoint: "models/digits", replace: true } } },
    },
  },
  responses: {
    201: {
      description: "The model",
      content: { "application/json": { schema: modelSchema } },
      headers: z.object({ location: z.string().openapi({ description: "Where it stands" }) }),
    },
    ...problemResponses(400, 404, 409, 413, 415, 500, 503),
  },
  answer: async (c) => {
    const { serving, sources } = deps;
    const { replace, ...request } = await readInput(c, addSchema, ["json"]);
    const located = await locateCheckpoints(request, deps);
    const name = request.name ?? located.name;
    if (!replace && serving.models.some((model) => model.name === name)) {
      throw new ModelConflictError(`there is a model ${name}; replace takes its place, name gives another`);
    }
    const { info, checkpoint } = await loadFirst(located, { name, replace }, deps);
    logUnheeded(deps.log, info);
    sources.set(info, { checkpoint, job: request.job ?? null, ema: request.ema ?? null, addedAt: new Date() });
    return c.json(describeModel(info, deps), 201, { location: `/models/${encodeURIComponent(name)}` });
  },
});

const modelParams = z.object({
  name: z.string().openapi({ param: { name: "name", in: "path" }, description: "The model's name", example: "digits" }),
});
const modelProblems = { 404: problemResponse(404, "There is no such model") };
const modelContent = { "application/json": { schema: modelSchema } };

/** `/models`: what is loaded, and how busy it is; models come and go. */
export const modelRoutes = (app: OpenAPIHono, deps: ModelDependencies): void => {
  const { serving, keys } = deps;
  const options = { keys, right: "generate", tag: "Models" } as const;
  const find = (c: Context) => {
    const name = c.req.param("name")!;
    const found = serving.models.find((model) => model.name === name);
    if (!found) throw new NoModelError(`there is no model ${JSON.stringify(name)}; GET /models lists those there are`);
    return found;
  };

  resource(app, "/models", {
    get: {
      id: "listModels",
      summary: "The models that are loaded",
      responses: {
        200: {
          description: "The default one first",
          content: { "application/json": { schema: z.array(modelSchema) } },
        },
      },
      answer: (c) => c.json(serving.models.map((info) => describeModel(info, deps)), 200),
    },
    post: addModel(deps),
  }, options);

  resource(app, "/models/{name}", {
    get: {
      id: "getModel",
      summary: "What a model is, and how busy",
      request: { params: modelParams },
      responses: { 200: { description: "The model", content: modelContent }, ...modelProblems },
      answer: (c) => c.json(describeModel(find(c), deps), 200),
    },
    delete: {
      id: "removeModel",
      summary: "Unload a model, once it has drawn what it was asked for",
      description: "The default model stays; another can take its place by POST /models with replace.",
      right: "jobs",
      request: { params: modelParams },
      responses: {
        204: { description: "No request can name it any more" },
        ...modelProblems,
        409: problemResponse(409, "It is the default model"),
        ...problemResponses(503),
      },
      answer: (c) => {
        serving.remove(find(c).name);
        return c.body(null, 204);
      },
    },
  }, options);
};
