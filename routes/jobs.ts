import { type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";
import { JOB_STATES, type Jobs } from "../jobs/jobs.ts";
import type { OptionValues } from "../jobs/launch.ts";
import type { ApiKey } from "./access/keys.ts";
import { readInput } from "./input/read_input.ts";
import { resource } from "./resource.ts";
import { problemResponse, problemResponses } from "./responses.ts";

const jobSchema = z.object({
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
}).openapi("Job");

const job = { "application/json": { schema: jobSchema } };
const params = z.object({
  id: z.string().openapi({ param: { name: "id", in: "path" }, description: "The job's id", example: "my-run" }),
});
const missing = { 404: problemResponse(404, "There is no such job") };

const nameSchema = z.string().regex(/^[a-z0-9][a-z0-9_-]{0,63}$/).optional()
  .openapi({ description: "Name of the job, and of its folder under runs/", example: "my-run" });

/**
 * `/jobs`: training, in a process of its own.
 *
 * @param deps.options what may be asked of it: options of `train` that name no path
 */
export const jobRoutes = (
  app: OpenAPIHono,
  { jobs, options, keys }: { jobs: Jobs; options: z.ZodObject; keys: readonly ApiKey[] },
): void => {
  const shared = { keys, right: "jobs", tag: "Training" } as const;
  const schema = options.extend({ name: nameSchema }).strict();
  const find = async (c: Context) => {
    const id = c.req.param("id")!;
    const found = await jobs.get(id);
    if (!found) throw new HTTPException(404, { message: `there is no job ${JSON.stringify(id)} on this server` });
    return found;
  };

  resource(app, "/jobs", {
    get: {
      id: "list_jobs",
      summary: "The training jobs of this server",
      responses: {
        200: { description: "In order of arrival", content: { "application/json": { schema: z.array(jobSchema) } } },
      },
      answer: async (c) => c.json(await jobs.list(), 200),
    },
    post: {
      id: "create_job",
      summary: "Train a model, after the jobs that are there",
      request: { body: { content: { "application/json": { schema, example: { steps: 2000 } } }, required: true } },
      responses: {
        202: {
          description: "The job",
          content: job,
          headers: z.object({ location: z.string().openapi({ description: "Where to follow it" }) }),
        },
        ...problemResponses(400, 409, 413, 415),
      },
      answer: async (c) => {
        const { name, ...values } = await readInput(c, schema, ["json"]) as { name?: string } & OptionValues;
        const added = await jobs.add(values, name);
        return c.json(added, 202, { location: `/jobs/${added.id}` });
      },
    },
  }, shared);

  resource(app, "/jobs/{id}", {
    get: {
      id: "get_job",
      summary: "How far a training job is",
      request: { params },
      responses: { 200: { description: "The job", content: job }, ...missing },
      answer: async (c) => c.json(await find(c), 200),
    },
    delete: {
      id: "stop_job",
      summary: "Stop a training job; a running one writes a checkpoint first",
      request: { params },
      responses: {
        200: { description: "The job, which had ended or not begun", content: job },
        202: { description: "The job, which is about to end", content: job },
        ...missing,
      },
      answer: async (c) => {
        const stopped = await jobs.stop((await find(c)).id);
        return c.json(stopped, stopped.state === "stopping" ? 202 : 200);
      },
    },
  }, shared);
};
