import { z } from "@hono/zod-openapi";
import { join } from "@std/path";
import { JOB_ID, type Jobs } from "../../jobs/jobs.ts";
import type { RunStorage } from "../../jobs/storage/storage.ts";
import type { ModelInfo } from "../../sampling/loaded_model.ts";
import { ModelConflictError, ModelRefusedError, type Serving } from "../../serving/serving.ts";
import type { Log } from "../http/log.ts";
import { readInput } from "../http/read_input.ts";
import { type Operation, problemResponses } from "../http/resource.ts";
import { CHECKPOINT, locateCheckpoints, type LocatedCheckpoints, MODELS, RUNS } from "./checkpoints.ts";
import { describeModel, modelSchema, type ModelSources } from "./describe.ts";
import { findModelFiles, type ModelSnapshots } from "./snapshots.ts";

/** Writes down, once a model is loaded, what its saved scheduler or its card asks for and is not done. */
export const logUnheeded = (log: Log, { name, unheeded }: ModelInfo): void => {
  if (unheeded.length > 0) log.info("settings not followed", { model: name, unheeded });
};

/** What adding a model needs. */
export interface AddModelDependencies {
  readonly serving: Serving;
  readonly jobs: Jobs;
  /** Brings here what other machines train; null where all runs lie here. */
  readonly storage: Pick<RunStorage, "fetch"> | null;
  readonly snapshots: ModelSnapshots;
  readonly sources: ModelSources;
  readonly log: Log;
}

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
  { serving, snapshots }: AddModelDependencies,
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
export const addModel = (deps: AddModelDependencies): Operation => ({
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
