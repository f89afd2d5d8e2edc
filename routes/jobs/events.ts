import { z } from "@hono/zod-openapi";
import { basename } from "@std/path";
import type { JobEvent, Jobs } from "../../jobs/jobs.ts";
import { writeEvent } from "../events/event_stream.ts";
import { followStream } from "../events/follow_stream.ts";
import { explain } from "../failures.ts";
import { readInput } from "../input/read_input.ts";
import { FORMATS } from "../output/formats.ts";
import { negotiate } from "../output/negotiate.ts";
import { problemBody } from "../problem.ts";
import type { Operation } from "../resource.ts";
import { problemResponses } from "../responses.ts";
import { describeJob, find, type JobDependencies, ofOneJob, params } from "./context.ts";

const TYPES = [
  "preparing",
  "skipped",
  "prepared",
  "start",
  "progress",
  "checkpoint",
  "sample",
  "notice",
  "done",
  "stopped",
  "error",
] as const;
const OFFERED = ["event-stream", "json"] as const;

const query = z.strictObject({
  after: z.int().min(0).default(0).openapi({
    description: "Number of the last event that is known; Last-Event-ID says the same",
    maximum: Number.MAX_SAFE_INTEGER,
  }),
  limit: z.int().min(1).max(10_000).default(1000).openapi({ description: "The most events of a JSON answer" }),
  format: z.enum(OFFERED).optional().openapi({ description: "Format of the answer, over what Accept says" }),
});

const streamSchema = z.object({
  id: z.string().openapi({ description: "Counts up; send the last as Last-Event-ID to go on after a break" }),
  event: z.enum([...TYPES, "end", "problem"]),
  data: z.string().openapi({
    description:
      "JSON. preparing, prepared: images of a data set that is not prepared yet; skipped: a file of it that cannot be " +
      "read, and why; progress: step of steps, loss, imagesPerSecond, secondsLeft and more; sample: url, its picture; checkpoint: " +
      "folder; end: the job, when it has ended, after which nothing follows; problem: why the stream breaks off",
  }),
});
const eventSchema = z.looseObject({ id: z.int(), event: z.enum(TYPES) });

/** An event, with where its picture is. */
const detailsOf = (job: string, { event }: JobEvent): [string, Record<string, unknown>] => {
  const { event: type, ...rest } = event;
  if (event.event !== "sample") return [type, rest];
  return [type, { ...rest, url: `/jobs/${job}/samples/${encodeURIComponent(basename(event.file))}` }];
};

const soFar = async (jobs: Jobs, id: string, { after, limit }: { after: number; limit: number }) => {
  const events: z.output<typeof eventSchema>[] = [];
  for await (const event of jobs.events(id, { after, follow: false })) {
    const [type, data] = detailsOf(id, event);
    events.push({ id: event.id, event: type as typeof TYPES[number], ...data });
    if (events.length === limit) break;
  }
  return events;
};

/** `GET /jobs/{id}/events`: what happens to a job. */
export const jobEvents = ({ jobs, log, stopping, onStream }: JobDependencies): Operation => {
  const tell = async function* (id: string, after: number, signal: AbortSignal, at: { id: string; path: string }) {
    let last = after;
    const write = (type: string, data: unknown) => writeEvent({ id: last, type, data: JSON.stringify(data) });
    try {
      for await (const event of jobs.events(id, { after, signal })) {
        last = event.id;
        yield write(...detailsOf(id, event));
      }
      if (signal.aborted) return;
      yield write("end", describeJob((await jobs.get(id))!));
    } catch (error) {
      yield write("problem", problemBody(explain(error, log, at), at.id));
    }
  };

  return {
    id: "job_events",
    summary: "What happens to a training job, as it happens",
    description:
      "Server-sent events: start, progress, sample, checkpoint, notice, done, stopped or error, and last end, with the job. " +
      "As JSON, those that there are so far.",
    request: {
      params,
      query,
      headers: z.object({
        "last-event-id": z.string().optional().openapi({ description: "Id of the last event received", example: "3" }),
      }),
    },
    responses: {
      200: {
        description: "The events so far, and in a stream those to come",
        content: {
          "text/event-stream": { schema: streamSchema },
          "application/json": { schema: z.array(eventSchema) },
        },
      },
      ...ofOneJob,
      ...problemResponses(406),
    },
    answer: async (c) => {
      const { format: asked, limit, after: known } = await readInput(c, query, ["query"]);
      const format = negotiate(c, OFFERED, asked);
      const { id } = await find(jobs, c);
      const header = Number(c.req.header("last-event-id"));
      const after = Number.isSafeInteger(header) && header > 0 ? header : known;
      if (format === "json") {
        return c.json(await soFar(jobs, id, { after, limit }), 200, { "cache-control": "no-store" });
      }
      const headers = { "content-type": FORMATS[format], "cache-control": "no-store" };
      if (c.req.method === "HEAD") return c.body(null, 200, headers);
      const gone = new AbortController();
      const signal = AbortSignal.any([gone.signal, stopping]);
      onStream(1);
      const onEnd = () => {
        onStream(-1);
        gone.abort();
      };
      const events = tell(id, after, signal, { id: c.get("requestId"), path: c.req.path });
      return c.body(followStream(events, { onEnd }), 200, headers);
    },
  };
};
