import { z } from "@hono/zod-openapi";
import { followStream } from "../events/follow_stream.ts";
import { readInput } from "../input/read_input.ts";
import type { Operation } from "../resource.ts";
import { find, type JobDependencies, ofOneJob, params } from "./context.ts";

const query = z.strictObject({
  follow: z.boolean().default(false).openapi({ description: "Go on until the job has ended" }),
  tail: z.int().min(0).max(100_000).optional().openapi({
    description: "Begin with the last lines of those there are; all if left out",
  }),
});

/** `GET /jobs/{id}/logs`: what a job's process printed beside its events. */
export const jobLogs = ({ jobs, stopping }: JobDependencies): Operation => {
  const linesOf = async function* (
    id: string,
    { follow, tail = Infinity }: z.output<typeof query>,
    signal: AbortSignal,
  ) {
    let last = 0;
    const held: string[] = [];
    for await (const { id: number, line } of jobs.logs(id, { signal })) {
      last = number;
      if (tail === Infinity) yield `${line}\n`;
      else held.push(`${line}\n`);
      if (held.length > tail) held.shift();
    }
    if (held.length > 0) yield held.join("");
    if (!follow) return;
    for await (const { line } of jobs.logs(id, { after: last, follow, signal })) yield `${line}\n`;
  };

  return {
    id: "job_logs",
    summary: "What a training job printed",
    request: { params, query },
    responses: {
      200: { description: "Its lines", content: { "text/plain": { schema: z.string() } } },
      ...ofOneJob,
    },
    answer: async (c) => {
      const asked = await readInput(c, query, ["query"]);
      const { id } = await find(jobs, c);
      const headers = { "content-type": "text/plain; charset=utf-8", "cache-control": "no-store" };
      if (c.req.method === "HEAD") return c.body(null, 200, headers);
      const gone = new AbortController();
      const lines = linesOf(id, asked, AbortSignal.any([gone.signal, stopping]));
      return c.body(followStream(lines, { heartbeat: null, onEnd: () => gone.abort() }), 200, headers);
    },
  };
};
