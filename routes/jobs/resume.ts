import { z } from "@hono/zod-openapi";
import { StoppingError } from "../failures.ts";
import { readInput } from "../input/read_input.ts";
import type { Operation } from "../resource.ts";
import { problemResponse, problemResponses } from "../responses.ts";
import { answersJob, describeJob, find, type JobDependencies, ofOneJob, params } from "./context.ts";

const bodySchema = z.strictObject({
  steps: z.int().min(1).max(100_000_000).optional()
    .openapi({ description: "Moves the end of the training; needed where it was reached" }),
});

/** `POST /jobs/{id}/resume`: lets a job that has ended go on. */
export const resumeJob = ({ jobs, stopping }: JobDependencies): Operation => ({
  id: "resume_job",
  summary: "Go on with a training job that has ended, from its last checkpoint",
  request: {
    params,
    body: { required: false, content: { "application/json": { schema: bodySchema, example: { steps: 4000 } } } },
  },
  responses: {
    202: {
      ...answersJob("The job, which waits again"),
      headers: z.object({ location: z.string().openapi({ description: "Where to follow it" }) }),
    },
    ...ofOneJob,
    409: problemResponse(409, "It has not ended, or has reached its last step and is given no more"),
    ...problemResponses(400, 413, 415),
  },
  answer: async (c) => {
    if (stopping.aborted) throw new StoppingError("the server is stopping");
    const { id } = await find(jobs, c);
    const isEmpty = c.req.header("content-type") === undefined && (await c.req.arrayBuffer()).byteLength === 0;
    const { steps } = isEmpty ? {} : await readInput(c, bodySchema, ["json"]);
    const resumed = await jobs.resume(id, steps === undefined ? {} : { steps });
    return c.json(describeJob(resumed), 202, { location: `/jobs/${id}` });
  },
});
