import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Jobs } from "../jobs/jobs.ts";
import type { OptionValues } from "../jobs/launch.ts";
import { allowOnly } from "./method_not_allowed.ts";
import { problem, problemResponse } from "./problem.ts";

const jobSchema = z.object({
  id: z.string(),
  run: z.string().openapi({ description: "Folder of its checkpoints, samples and metrics" }),
  state: z.enum(["waiting", "running", "succeeded", "stopped", "failed"]),
  options: z.record(z.string(), z.unknown()),
  step: z.int(),
  steps: z.int().nullable(),
  loss: z.number().nullable(),
  imagesPerSecond: z.number().nullable(),
  secondsLeft: z.number().nullable(),
  checkpoint: z.string().nullable().openapi({ description: "Folder of the last checkpoint" }),
  exitCode: z.int().nullable(),
  error: z.string().nullable(),
}).openapi("Job");

const job = { "application/json": { schema: jobSchema } };
const params = z.object({ id: z.string().openapi({ param: { name: "id", in: "path" } }) });
const missing = problemResponse("There is no such job");

const nameSchema = z.string().regex(/^[a-z0-9][a-z0-9_-]{0,63}$/).optional()
  .describe("Name of the job, and of its folder under runs/");

const list = createRoute({
  method: "get",
  path: "/jobs",
  summary: "The training jobs of this server",
  responses: {
    200: { description: "In order of arrival", content: { "application/json": { schema: z.array(jobSchema) } } },
  },
});

const read = createRoute({
  method: "get",
  path: "/jobs/{id}",
  summary: "How far a training job is",
  request: { params },
  responses: { 200: { description: "The job", content: job }, 404: missing },
});

const stop = createRoute({
  method: "delete",
  path: "/jobs/{id}",
  summary: "Stop a training job; a running one writes a checkpoint first",
  request: { params },
  responses: {
    200: { description: "The job, which had ended or not begun", content: job },
    202: { description: "The job, which is about to end", content: job },
    404: missing,
  },
});

const create = (options: z.ZodObject) =>
  createRoute({
    method: "post",
    path: "/jobs",
    summary: "Train a model, after the jobs that are there",
    request: {
      body: {
        content: { "application/json": { schema: options.extend({ name: nameSchema }).strict() } },
        required: true,
      },
    },
    responses: {
      202: {
        description: "The job",
        content: job,
        headers: z.object({ location: z.string().openapi({ description: "Where to follow it" }) }),
      },
      409: problemResponse("There is a job or a run of that name"),
      415: problemResponse("A body that is not JSON"),
      422: problemResponse("An option is unknown or malformed"),
    },
  });

/**
 * `/jobs`: training, in a process of its own.
 *
 * @param deps.options what may be asked of it: options of `train` that name no path
 */
export const jobRoutes = (app: OpenAPIHono, { jobs, options }: { jobs: Jobs; options: z.ZodObject }): void => {
  const notFound = (id: string) => `there is no job ${JSON.stringify(id)} on this server`;

  app.openapi(list, (c) => c.json(jobs.list(), 200));

  app.openapi(create(options), (c) => {
    // A request without a type is one that a page elsewhere can make a browser send.
    if (!c.req.header("content-type")) return problem(c, 415, "send the options as JSON, {} for the defaults") as never;
    const { name, ...values } = c.req.valid("json") as { name?: string } & OptionValues;
    const added = jobs.add(values, name);
    return c.json(added, 202, { location: `/jobs/${added.id}` });
  });

  app.openapi(read, (c) => {
    const { id } = c.req.valid("param");
    const found = jobs.get(id);
    return found ? c.json(found, 200) : problem(c, 404, notFound(id)) as never;
  });

  app.openapi(stop, (c) => {
    const { id } = c.req.valid("param");
    const found = jobs.get(id);
    if (!found) return problem(c, 404, notFound(id)) as never;
    const isRunning = found.state === "running";
    jobs.stop(id);
    return c.json(found, isRunning ? 202 : 200);
  });

  allowOnly(app, "/jobs", ["GET", "POST"]);
  allowOnly(app, "/jobs/:id", ["GET", "DELETE"]);
};
