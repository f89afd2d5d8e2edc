import { z } from "@hono/zod-openapi";
import type { OptionValues } from "../../jobs/jobs.ts";
import { JobsFullError, StoppingError } from "../failures.ts";
import { readInput } from "../input/read_input.ts";
import type { Operation } from "../resource.ts";
import { problemResponses } from "../responses.ts";
import { checkNames } from "./check_names.ts";
import { answersJob, describeJob, type JobDependencies, nameSchema, ofJobs } from "./context.ts";

/** Lets a job in, or says when to come again. */
const admit = async ({ jobs, limits: { waitingJobs } }: JobDependencies): Promise<void> => {
  const waiting = await jobs.list({ states: ["waiting"], limit: waitingJobs });
  if (waiting.length < waitingJobs) return;
  const [running] = await jobs.list({ states: ["running"], limit: 1 });
  const retryAfter = Math.min(3600, Math.max(1, running?.secondsLeft ?? 60));
  throw new JobsFullError(`${waiting.length} jobs wait, and no more may`, { retryAfter });
};

/** `POST /jobs`: asks for a model to be trained. */
export const createJob = (deps: JobDependencies): Operation => {
  const name = nameSchema.optional()
    .openapi({ description: "Name of the job, and of its folder under runs/", example: "my-run" });
  const schema = deps.options.extend({ name }).strict();
  return {
    id: "create_job",
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
      ...ofJobs,
      ...problemResponses(400, 409, 413, 415, 429),
    },
    answer: async (c) => {
      if (deps.stopping.aborted) throw new StoppingError("the server is stopping");
      const { name, ...values } = await readInput(c, schema, ["json"]) as { name?: string } & OptionValues;
      const options = await checkNames(values, deps);
      await admit(deps);
      const added = await deps.jobs.add(options, name);
      return c.json(describeJob(added), 202, { location: `/jobs/${added.id}` });
    },
  };
};
