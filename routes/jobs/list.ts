import { z } from "@hono/zod-openapi";
import { ParameterError } from "../../sampling/errors.ts";
import { readInput } from "../input/read_input.ts";
import type { Operation } from "../resource.ts";
import { describeJob, type JobDependencies, jobSchema, nameSchema, ofJobs } from "./context.ts";

const query = z.strictObject({
  limit: z.int().min(1).max(1000).default(100).openapi({ description: "The most to answer", example: 100 }),
  after: nameSchema.optional().openapi({ description: "Id of the job after which to begin" }),
});

/** `GET /jobs`. */
export const listJobs = ({ jobs }: JobDependencies): Operation => ({
  id: "list_jobs",
  summary: "The training jobs",
  request: { query },
  responses: {
    200: {
      description: "In order of arrival",
      content: { "application/json": { schema: z.array(jobSchema) } },
      headers: z.object({
        link: z.string().optional().openapi({ description: 'Where there may be more, as <…>; rel="next"' }),
      }),
    },
    ...ofJobs,
  },
  answer: async (c) => {
    const { limit, after } = await readInput(c, query, ["query"]);
    if (after !== undefined && await jobs.get(after) === undefined) {
      throw new ParameterError([{ field: "after", received: after, allowed: "the id of a job" }]);
    }
    const found = await jobs.list({ limit, after });
    const last = found.at(-1);
    const next = last && found.length === limit ? `</jobs?limit=${limit}&after=${last.id}>; rel="next"` : null;
    return c.json(found.map(describeJob), 200, next === null ? {} : { link: next });
  },
});
