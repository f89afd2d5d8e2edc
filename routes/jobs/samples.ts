import { z } from "@hono/zod-openapi";
import { join } from "@std/path";
import { HTTPException } from "hono/http-exception";
import { unlessMissing } from "../../files/exists.ts";
import type { Operation } from "../http/resource.ts";
import { realPathBelow, RUNS } from "../models/checkpoints.ts";
import { findRun, type JobDependencies, jobParams, jobProblems } from "./job.ts";

const SAMPLE_FILE = /^step-(\d{1,15})\.png$/;

const sampleSchema = z.object({
  step: z.int(),
  url: z.string(),
  bytes: z.int(),
}).openapi("JobSample");

const fileParams = jobParams.extend({
  file: z.string().openapi({
    param: { name: "file", in: "path" },
    description: "Name of a grid, as the list has it",
    example: "step-000500.png",
  }),
});

const filesIn = async (folder: string): Promise<string[]> => {
  const entries = await Array.fromAsync(Deno.readDir(folder));
  return entries.filter(({ isFile, name }) => isFile && SAMPLE_FILE.test(name)).map(({ name }) => name);
};

/** `GET /jobs/{id}/samples`: the grids that a job drew. */
export const listSamples = (deps: JobDependencies): Operation => ({
  id: "listJobSamples",
  summary: "The grids of samples that a training job drew",
  request: { params: jobParams },
  responses: {
    200: {
      description: "In order of their steps",
      content: { "application/json": { schema: z.array(sampleSchema) } },
    },
    ...jobProblems,
  },
  answer: async (c) => {
    const { id, run } = await findRun(deps, c);
    const folder = await realPathBelow(RUNS, join(run, "samples"));
    const names = folder === null ? [] : await filesIn(folder);
    const samples = await Promise.all(
      names.map(async (name) => ({
        step: Number(SAMPLE_FILE.exec(name)![1]),
        url: `/jobs/${id}/samples/${name}`,
        bytes: (await Deno.stat(join(folder!, name))).size,
      })),
    );
    return c.json(samples.sort((a, b) => a.step - b.step), 200);
  },
});

/** `GET /jobs/{id}/samples/{file}`: one of them. */
export const getSample = (deps: JobDependencies): Operation => ({
  id: "getJobSample",
  summary: "A grid of samples that a training job drew",
  request: { params: fileParams },
  responses: {
    200: {
      description: "The picture",
      content: { "image/png": { schema: z.string().openapi({ type: "string", format: "binary" }) } },
    },
    ...jobProblems,
  },
  answer: async (c) => {
    const { run } = await findRun(deps, c);
    const file = c.req.param("file")!;
    const path = SAMPLE_FILE.test(file) ? await realPathBelow(RUNS, join(run, "samples", file)) : null;
    const bytes = path === null ? null : await unlessMissing(Deno.readFile(path));
    if (bytes === null) {
      throw new HTTPException(404, { message: `there is no sample ${JSON.stringify(file.slice(0, 100))}` });
    }
    return c.body(bytes, 200, { "content-type": "image/png", "cache-control": "private, max-age=60" });
  },
});
