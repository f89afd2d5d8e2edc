import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { type Job, JOB_ID, JOB_STATES, JobMissingError, type Jobs, type OptionValues } from "../../jobs/jobs.ts";
import type { RunStorage } from "../../jobs/storage/storage.ts";
import type { Serving } from "../../serving/serving.ts";
import type { ApiKey } from "../http/rights.ts";
import type { Limits } from "../http/limits.ts";
import type { Log } from "../http/log.ts";
import { RunError } from "../../training/errors.ts";
import { givenFields, type Recipe, type RecipeOptions, resolveRecipe } from "../../training/recipe.ts";
import { readRecipe } from "../../training/run_folder.ts";
import { problemResponse } from "../http/resource.ts";
import type { ModelSources } from "../models/describe.ts";

/** What the resources of jobs need. */
export interface JobDependencies {
  readonly jobs: Jobs;
  /** Options that a job may be given: those of `train` that name no path. */
  readonly options: z.ZodObject;
  readonly serving: Serving;
  readonly sources: ModelSources;
  /**
   * Refuses a job that would take more memory or disk than it may.
   *
   * @param recipe its data and the model that it starts from are paths, or built-in names
   * @param given the fields that were chosen
   * @throws {ParameterError} that says how much
   */
  readonly checkNeeds: (recipe: Recipe, given: readonly string[]) => Promise<unknown>;
  /** Brings here what other machines train; null where all runs lie here. */
  readonly storage: Pick<RunStorage, "fetch"> | null;
  readonly limits: Limits;
  readonly keys: readonly ApiKey[];
  readonly log: Log;
  /** Aborts when the server stops. */
  readonly stopping: AbortSignal;
  /** Told of each event stream, with 1 at its start and −1 at its end. */
  readonly onStream: (change: 1 | -1) => void;
}

/** The name of a job, and of its folder under runs/. */
export const nameSchema = z.string().regex(JOB_ID);

/** The path of all that belongs to one job. */
export const jobParams = z.object({
  id: z.string().openapi({ param: { name: "id", in: "path" }, description: "The job's id", example: "my-run" }),
});

/** A job, as it is answered. */
export const jobSchema = z.object({
  id: z.string(),
  run: z.string().openapi({ description: "Folder of its checkpoints, samples and metrics" }),
  state: z.enum(JOB_STATES),
  options: z.record(z.string(), z.unknown()),
  attempt: z.int().openapi({ description: "How often it was started" }),
  worker: z.string().nullable().openapi({ description: "Who runs it, or ran it last" }),
  createdAt: z.iso.datetime(),
  startedAt: z.iso.datetime().nullable(),
  endedAt: z.iso.datetime().nullable(),
  step: z.int(),
  steps: z.int().nullable(),
  loss: z.number().nullable(),
  imagesPerSecond: z.number().nullable(),
  secondsLeft: z.number().nullable(),
  checkpoint: z.string().nullable().openapi({ description: "Folder of the last checkpoint" }),
  exitCode: z.int().nullable(),
  error: z.string().nullable(),
  urls: z.object({
    self: z.string(),
    events: z.string(),
    logs: z.string(),
    samples: z.string(),
    metrics: z.string(),
    cancel: z.string(),
    resume: z.string(),
  }),
}).openapi("Job");

/** A recipe as it was resolved. */
const recipeFields = z.object({
  recipe: z.record(z.string(), z.unknown()).openapi({
    description:
      "Every option, those that nobody gave as the preset or the default has them; null is left to the data, " +
      "to the model of init, or to another option",
  }),
  given: z.array(z.string()).openapi({ description: "The options that somebody chose" }),
});

/** A recipe, as it is answered. */
export const recipeSchema = recipeFields.openapi("Recipe");

/** A job with its recipe. */
export const jobDetailSchema = z.object({ ...jobSchema.shape, ...recipeFields.shape }).openapi("JobDetail");

/** What options come to. */
export const describeRecipe = (options: OptionValues): z.output<typeof recipeSchema> => ({
  recipe: resolveRecipe(options as RecipeOptions),
  given: givenFields(options as RecipeOptions),
});

/** Describes a job with its recipe: that of its run once it has begun, by which it goes on whatever defaults are then. */
export const describeJobInDetail = async (job: Job): Promise<z.output<typeof jobDetailSchema>> => {
  const { recipe, given } = describeRecipe(job.options);
  const stored = await readRecipe(job.run).catch((error) => {
    if (error instanceof RunError) return {};
    throw error;
  });
  // Where its data and its model lie is the worker's business.
  const { data, init, engine } = recipe;
  const steps = job.steps ?? recipe.steps;
  return { ...describeJob(job), recipe: { ...recipe, ...stored, data, init, engine, steps }, given };
};

/** An answer that describes a job, for the OpenAPI description. */
export const answersJob = (description: string) => ({
  description,
  content: { "application/json": { schema: jobSchema } },
});

/** The problems of whatever is about jobs. */
export const jobsProblems = {
  500: problemResponse(500),
  503: problemResponse(
    503,
    "Jobs cannot be had now: their queue is another server's or damaged, or its database does not answer or refuses",
  ),
};

/** The problems of whatever is about one job. */
export const jobProblems = { 404: problemResponse(404, "There is no such job"), ...jobsProblems };

/** Describes a job. */
export const describeJob = (job: Job): z.output<typeof jobSchema> => {
  const self = `/jobs/${job.id}`;
  const urls = {
    self,
    events: `${self}/events`,
    logs: `${self}/logs`,
    samples: `${self}/samples`,
    metrics: `${self}/metrics`,
    cancel: `${self}/cancel`,
    resume: `${self}/resume`,
  };
  const { id, run, state, options, attempt, worker, createdAt, startedAt, endedAt } = job;
  const { step, steps, loss, imagesPerSecond, secondsLeft, checkpoint, exitCode, error } = job;
  return {
    ...{ id, run, state, options: { ...options }, attempt, worker, createdAt, startedAt, endedAt },
    ...{ step, steps, loss, imagesPerSecond, secondsLeft, checkpoint, exitCode, error, urls },
  };
};

/**
 * The folder of a job's run, with what another machine has added to it, if one trains it.
 *
 * @throws {JobMissingError} if there is no such job
 * @throws {StorageError} if the storage of runs cannot be reached
 */
export const findRun = async ({ jobs, storage }: JobDependencies, c: Context): Promise<Job> => {
  const job = await findJob(jobs, c);
  await storage?.fetch(job.run);
  return job;
};

/**
 * The job that a path names.
 *
 * @throws {JobMissingError} if there is none
 */
export const findJob = async (jobs: Jobs, c: Context): Promise<Job> => {
  const id = c.req.param("id")!;
  const found = JOB_ID.test(id) ? await jobs.get(id) : undefined;
  if (found) return found;
  throw new JobMissingError(`there is no job ${JSON.stringify(id.slice(0, 100))}`);
};
