import { type OpenAPIHono, z } from "@hono/zod-openapi";
import { resolveDataName } from "../datasets/catalogue.ts";
import { DatasetError } from "../datasets/dataset.ts";
import { hasEnded, type OptionValues } from "../jobs/jobs.ts";
import { ParameterError } from "../sampling/errors.ts";
import { givenFields, type RecipeOptions, resolveRecipe } from "../training/recipe.ts";
import { ModelConflictError } from "../serving/serving.ts";
import { nextLink, pageHeaders, pageQuery } from "./http/paging.ts";
import { JobsFullError, StoppingError } from "./http/problem.ts";
import { readBody, readInput } from "./http/read_input.ts";
import { type Operation, problemResponse, problemResponses, resource } from "./http/resource.ts";
import { jobEvents, jobLogs } from "./jobs/events.ts";
import {
  answersJob,
  describeJob,
  describeJobInDetail,
  describeRecipe,
  findJob,
  type JobDependencies,
  jobDetailSchema,
  jobParams,
  jobProblems,
  jobSchema,
  jobsProblems,
  nameSchema,
  recipeSchema,
} from "./jobs/job.ts";
import { jobMetrics } from "./jobs/metrics.ts";
import { getSample, listSamples } from "./jobs/samples.ts";
import { locateCheckpoints, MODELS, realPathBelow, RUNS } from "./models/checkpoints.ts";

/** The path of data, or their name where they are built in. */
const resolveData = async (data: string): Promise<string> => {
  try {
    return await resolveDataName(data);
  } catch (error) {
    if (!(error instanceof DatasetError)) throw error;
    const allowed = error.message.replace(/^data must be /, "").replace(/, received .*$/s, "");
    throw new ParameterError([{ field: "data", received: data, allowed }]);
  }
};

/**
 * The name of the model or run that a worker knows it by, since what was loaded under another name is known here alone; and
 * the folder of its model.
 */
const resolveInit = async (
  init: string,
  { serving, sources, jobs, storage }: JobDependencies,
): Promise<{ name: string; folder: string }> => {
  const served = serving.models.find(({ name }) => name === init);
  const source = served && sources.get(served);
  const name = source ? source.checkpoint.split("/")[1] : init;
  const model = `${MODELS}/${name}`;
  if (await realPathBelow(MODELS, model) !== null) return { name, folder: model };
  try {
    const { choices: [{ checkpoint }] } = await locateCheckpoints({ checkpoint: `${RUNS}/${name}` }, { jobs, storage });
    return { name, folder: checkpoint };
  } catch (error) {
    if (!(error instanceof ParameterError || error instanceof ModelConflictError)) throw error;
    const allowed = `the name of a model in ${MODELS}/ or of a job that has a checkpoint`;
    throw new ParameterError([{ field: "init", received: init, allowed }]);
  }
};

/**
 * Checks that there is what a job's options name, and that it is not more than a job may take. The names stay names: the
 * worker that takes the job finds what they stand for.
 *
 * @throws {ParameterError} if there is nothing of that name, or it is too much
 */
const checkOptions = async (options: OptionValues, deps: JobDependencies): Promise<OptionValues> => {
  const recipe = resolveRecipe(options as RecipeOptions);
  const data = recipe.data && await resolveData(recipe.data);
  const init = recipe.init === null ? null : await resolveInit(recipe.init, deps);
  await deps.checkNeeds({ ...recipe, data, init: init && init.folder }, givenFields(options as RecipeOptions));
  return init === null ? options : { ...options, init: init.name };
};

/**
 * Checks that more steps are not more than a job may take. What it started from may have gone since.
 *
 * @throws {ParameterError} if they are
 */
const checkMoreSteps = async (options: OptionValues, steps: number, deps: JobDependencies): Promise<void> => {
  const recipe = resolveRecipe({ ...options as RecipeOptions, steps });
  const data = recipe.data && await resolveDataName(recipe.data).catch((error) => {
    if (error instanceof DatasetError) return null;
    throw error;
  });
  await deps.checkNeeds({ ...recipe, data, init: null }, ["steps"]);
};

/** Lets a job in, or says when to come again. */
const refuseWhenFull = async ({ jobs, limits: { waitingJobs } }: JobDependencies): Promise<void> => {
  const queued = await jobs.list({ states: ["queued"], limit: waitingJobs });
  if (queued.length < waitingJobs) return;
  const [running] = await jobs.list({ states: ["running"], limit: 1 });
  const retryAfter = Math.min(3600, Math.max(1, running?.secondsLeft ?? 60));
  throw new JobsFullError(`${queued.length} jobs wait, and no more may`, { retryAfter });
};

/** `POST /jobs`: asks for a model to be trained. */
const createJob = (deps: JobDependencies): Operation => {
  const name = nameSchema.optional()
    .openapi({ description: "Name of the job, and of its folder under runs/", example: "my-run" });
  const schema = deps.options.extend({ name }).strict();
  return {
    id: "createJob",
    summary: "Train a model, after the jobs that are there",
    description:
      "The options are those of the command; what names data or a model is a name, never a path. An option that is left " +
      "out is the preset's.",
    request: {
      body: { content: { "application/json": { schema, example: { preset: "tiny", steps: 2000 } } }, required: true },
    },
    responses: {
      202: {
        ...answersJob("The job"),
        headers: z.object({ location: z.string().openapi({ description: "Where to follow it" }) }),
      },
      ...jobsProblems,
      ...problemResponses(400, 409, 413, 415, 429),
    },
    answer: async (c) => {
      if (deps.stopping.aborted) throw new StoppingError("the server is stopping");
      const { name, ...values } = await readInput(c, schema, ["json"]) as { name?: string } & OptionValues;
      const options = await checkOptions(values, deps);
      await refuseWhenFull(deps);
      const added = await deps.jobs.add(options, name);
      return c.json(describeJob(added), 202, { location: `/jobs/${added.id}` });
    },
  };
};

/** `POST /recipe`: what a job's options come to. */
const showRecipe = ({ options }: JobDependencies): Operation => ({
  id: "resolveRecipe",
  summary: "What a job would do: every option with its value",
  description: "Of the options of POST /jobs. Nothing is queued, and nothing is looked for that they name.",
  request: {
    body: { content: { "application/json": { schema: options, example: { preset: "tiny" } } }, required: true },
  },
  responses: {
    200: { description: "The recipe", content: { "application/json": { schema: recipeSchema } } },
    ...problemResponses(400, 413, 415, 422),
  },
  answer: async (c) => c.json(describeRecipe(await readInput(c, options, ["json"]) as OptionValues), 200),
});

const listQuery = pageQuery({ after: nameSchema, most: 1000, usual: 100, what: "job" });

/** `GET /jobs`. */
const listJobs = ({ jobs }: JobDependencies): Operation => ({
  id: "listJobs",
  summary: "The training jobs",
  request: { query: listQuery },
  responses: {
    200: {
      description: "In order of arrival",
      content: { "application/json": { schema: z.array(jobSchema) } },
      headers: pageHeaders,
    },
    ...jobsProblems,
  },
  answer: async (c) => {
    const { limit, after } = await readInput(c, listQuery, ["query"]);
    if (after !== undefined && await jobs.get(after) === undefined) {
      throw new ParameterError([{ field: "after", received: after, allowed: "the id of a job" }]);
    }
    const found = await jobs.list({ limit, after });
    return c.json(found.map(describeJob), 200, nextLink(c, found, limit));
  },
});

const resumeSchema = z.strictObject({
  steps: z.int().min(1).max(100_000_000).optional()
    .openapi({ description: "Moves the end of the training; needed where it was reached" }),
});

/** `POST /jobs/{id}/resume`: lets a job that has ended go on. */
const resumeJob = (deps: JobDependencies): Operation => ({
  id: "resumeJob",
  summary: "Go on with a training job that has ended, from its last checkpoint",
  request: {
    params: jobParams,
    body: { required: false, content: { "application/json": { schema: resumeSchema, example: { steps: 4000 } } } },
  },
  responses: {
    202: {
      ...answersJob("The job, which waits again"),
      headers: z.object({ location: z.string().openapi({ description: "Where to follow it" }) }),
    },
    ...jobProblems,
    409: problemResponse(409, "It has not ended, or has reached its last step and is given no more"),
    ...problemResponses(400, 413, 415),
  },
  answer: async (c) => {
    const { jobs, stopping } = deps;
    if (stopping.aborted) throw new StoppingError("the server is stopping");
    const { id, options } = await findJob(jobs, c);
    const isEmpty = c.req.header("content-type") === undefined && (await readBody(c)).length === 0;
    const { steps } = isEmpty ? {} : await readInput(c, resumeSchema, ["json"]);
    if (steps !== undefined) await checkMoreSteps(options, steps, deps);
    const resumed = await jobs.resume(id, steps === undefined ? {} : { steps });
    return c.json(describeJob(resumed), 202, { location: `/jobs/${id}` });
  },
});

/** `POST /jobs/{id}/cancel`. */
const cancelJob = ({ jobs }: JobDependencies): Operation => ({
  id: "cancelJob",
  summary: "Cancel a training job; a running one writes a checkpoint first",
  description: "One that has ended stays as it is. It can go on again, by resume.",
  request: { params: jobParams },
  responses: {
    200: answersJob("The job, which has ended"),
    202: answersJob("The job, which is about to end"),
    ...jobProblems,
  },
  answer: async (c) => {
    const canceled = await jobs.cancel((await findJob(jobs, c)).id);
    return c.json(describeJob(canceled), hasEnded(canceled) ? 200 : 202);
  },
});

/** `/jobs`: training, each job in a process of its own. */
export const jobRoutes = (app: OpenAPIHono, deps: JobDependencies): void => {
  const { jobs, keys } = deps;
  const shared = { keys, right: "jobs", tag: "Training" } as const;

  resource(app, "/jobs", { get: listJobs(deps), post: createJob(deps) }, shared);
  resource(app, "/recipe", { post: showRecipe(deps) }, shared);
  resource(app, "/jobs/{id}", {
    get: {
      id: "getJob",
      summary: "How far a training job is",
      request: { params: jobParams },
      responses: {
        200: { description: "The job", content: { "application/json": { schema: jobDetailSchema } } },
        ...jobProblems,
      },
      answer: async (c) => c.json(await describeJobInDetail(await findJob(jobs, c)), 200),
    },
  }, shared);
  resource(app, "/jobs/{id}/cancel", { post: cancelJob(deps) }, shared);
  resource(app, "/jobs/{id}/events", { get: jobEvents(deps) }, shared);
  resource(app, "/jobs/{id}/logs", { get: jobLogs(deps) }, shared);
  resource(app, "/jobs/{id}/metrics", { get: jobMetrics(deps) }, shared);
  resource(app, "/jobs/{id}/samples", { get: listSamples(deps) }, shared);
  resource(app, "/jobs/{id}/samples/{file}", { get: getSample(deps) }, shared);
  resource(app, "/jobs/{id}/resume", { post: resumeJob(deps) }, shared);
};
