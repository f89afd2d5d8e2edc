import { z } from "@hono/zod-openapi";
import { join } from "@std/path";
import { readInput } from "../input/read_input.ts";
import { RUNS } from "../models/locate.ts";
import { realPathBelow } from "../real_path.ts";
import type { Operation } from "../resource.ts";
import { findRun, type JobDependencies, ofOneJob, params } from "./context.ts";
import { createDownsample } from "./downsample.ts";

const query = z.strictObject({
  points: z.int().min(2).max(10_000).default(500).openapi({ description: "The most rows of the answer", example: 100 }),
});

const metricsSchema = z.object({
  steps: z.int().openapi({ description: "Steps that were measured" }),
  points: z.array(
    z.looseObject({
      step: z.int().openapi({ description: "The last of its steps" }),
      rows: z.int().openapi({ description: "Steps of which it holds the means" }),
    }),
  ),
}).openapi("JobMetrics");

/** The lines of a file, without an unfinished last one. */
const linesOf = async function* (path: string): AsyncGenerator<string> {
  using file = await Deno.open(path);
  const decoder = new TextDecoder();
  const chunk = new Uint8Array(1 << 16);
  let rest = "";
  for (let n = await file.read(chunk); n !== null; n = await file.read(chunk)) {
    const lines = (rest + decoder.decode(chunk.subarray(0, n), { stream: true })).split("\n");
    rest = lines.pop()!;
    yield* lines;
  }
};

const parse = (line: string): Readonly<Record<string, unknown>> | null => {
  try {
    const row = JSON.parse(line);
    return Number.isSafeInteger(row?.step) ? row : null;
  } catch {
    return null;
  }
};

/** `GET /jobs/{id}/metrics`: what was measured at each step. */
export const jobMetrics = (deps: JobDependencies): Operation => ({
  id: "job_metrics",
  summary: "What a training job measured, thinned out to be drawn",
  description:
    "Of metrics.jsonl: loss, gradientNorm, learningRate and more, as means over steps that follow each other.",
  request: { params, query },
  responses: {
    200: { description: "In order of the steps", content: { "application/json": { schema: metricsSchema } } },
    ...ofOneJob,
  },
  answer: async (c) => {
    const { points } = await readInput(c, query, ["query"]);
    const { run } = await findRun(deps, c);
    const path = await realPathBelow(RUNS, join(run, "metrics.jsonl"));
    const thinned = createDownsample(points);
    let steps = 0;
    if (path !== null) {
      for await (const line of linesOf(path)) {
        const row = parse(line);
        if (row === null) continue;
        thinned.add(row);
        steps++;
      }
    }
    return c.json({ steps, points: thinned.rows() } as z.output<typeof metricsSchema>, 200);
  },
});
