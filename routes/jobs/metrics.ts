import { z } from "@hono/zod-openapi";
import { join } from "@std/path";
import { readInput } from "../http/read_input.ts";
import type { Operation } from "../http/resource.ts";
import { realPathBelow, RUNS } from "../models/checkpoints.ts";
import { findRun, type JobDependencies, jobParams, jobProblems } from "./job.ts";

/** One line of metrics: numbers, null where there is none, and lists of those. */
type MetricsRow = Record<string, number | null | readonly (number | null)[]>;

type Sum = { total: number; count: number };

interface Bucket {
  /** Rows in it. */
  rows: number;
  step: number;
  readonly sums: Map<string, Sum | Sum[]>;
}

const addTo = (sum: Sum, value: unknown): Sum => {
  if (typeof value === "number" && Number.isFinite(value)) {
    sum.total += value;
    sum.count++;
  }
  return sum;
};

const addRow = (bucket: Bucket, row: Readonly<Record<string, unknown>>): void => {
  bucket.rows++;
  bucket.step = row.step as number;
  for (const [key, value] of Object.entries(row)) {
    if (key === "step") continue;
    if (Array.isArray(value)) {
      const sums = bucket.sums.get(key) ?? [];
      if (Array.isArray(sums)) bucket.sums.set(key, value.map((v, i) => addTo(sums[i] ?? { total: 0, count: 0 }, v)));
    } else if (value === null || typeof value === "number") {
      const sum = bucket.sums.get(key) ?? { total: 0, count: 0 };
      if (!Array.isArray(sum)) bucket.sums.set(key, addTo(sum, value));
    }
  }
};

const addSums = (a: Sum | undefined, b: Sum | undefined): Sum => ({
  total: (a?.total ?? 0) + (b?.total ?? 0),
  count: (a?.count ?? 0) + (b?.count ?? 0),
});

const mergeBuckets = (a: Bucket, b: Bucket): Bucket => {
  const sums = new Map(a.sums);
  for (const [key, later] of b.sums) {
    const own = sums.get(key);
    if (own === undefined) sums.set(key, later);
    else if (Array.isArray(own) && Array.isArray(later)) sums.set(key, later.map((sum, i) => addSums(own[i], sum)));
    else if (!Array.isArray(own) && !Array.isArray(later)) sums.set(key, addSums(own, later));
  }
  return { rows: a.rows + b.rows, step: b.step, sums };
};

const mean = ({ total, count }: Sum): number | null => count === 0 ? null : total / count;

const rowOf = ({ rows, step, sums }: Bucket): MetricsRow => ({
  step,
  rows,
  ...Object.fromEntries(sums.entries().map(([key, sum]) => [key, Array.isArray(sum) ? sum.map(mean) : mean(sum)])),
});

/**
 * Thins a series out while it is read, in memory for `points` rows however long it is: each row that comes out is the mean
 * of as many that follow each other, `rows` of them, up to `step`. A series that is no longer stays as it is.
 *
 * @param points the most rows that come out, at least 2; half as many at least, where there are as many
 */
export const createDownsample = (
  points: number,
): { add(row: Readonly<Record<string, unknown>>): void; rows(): MetricsRow[] } => {
  const most = points - points % 2;
  let buckets: Bucket[] = [];
  let width = 1;
  return {
    add: (row) => {
      const last = buckets.at(-1);
      if (last && last.rows < width) return addRow(last, row);
      if (buckets.length === most) {
        buckets = Array.from({ length: most / 2 }, (_, i) => mergeBuckets(buckets[2 * i], buckets[2 * i + 1]));
        width *= 2;
      }
      const bucket: Bucket = { rows: 0, step: 0, sums: new Map() };
      buckets.push(bucket);
      addRow(bucket, row);
    },
    rows: () => buckets.map(rowOf),
  };
};

const metricsQuery = z.strictObject({
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

const parseRow = (line: string): Readonly<Record<string, unknown>> | null => {
  try {
    const row = JSON.parse(line);
    return Number.isSafeInteger(row?.step) ? row : null;
  } catch {
    return null;
  }
};

/** `GET /jobs/{id}/metrics`: what was measured at each step. */
export const jobMetrics = (deps: JobDependencies): Operation => ({
  id: "jobMetrics",
  summary: "What a training job measured, thinned out to be drawn",
  description:
    "Of metrics.jsonl: loss, gradientNorm, learningRate and more, as means over steps that follow each other.",
  request: { params: jobParams, query: metricsQuery },
  responses: {
    200: { description: "In order of the steps", content: { "application/json": { schema: metricsSchema } } },
    ...jobProblems,
  },
  answer: async (c) => {
    const { points } = await readInput(c, metricsQuery, ["query"]);
    const { run } = await findRun(deps, c);
    const path = await realPathBelow(RUNS, join(run, "metrics.jsonl"));
    const thinned = createDownsample(points);
    let steps = 0;
    if (path !== null) {
      for await (const line of linesOf(path)) {
        const row = parseRow(line);
        if (row === null) continue;
        thinned.add(row);
        steps++;
      }
    }
    return c.json({ steps, points: thinned.rows() } as z.output<typeof metricsSchema>, 200);
  },
});
