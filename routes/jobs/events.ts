import { z } from "@hono/zod-openapi";
import { basename } from "@std/path";
import type { JobEvent, Jobs } from "../../jobs/jobs.ts";
import {
  lastEventId,
  lastEventIdHeaders,
  STREAM_HEADERS,
  streamSchema,
  textStream,
  writeEvent,
} from "../http/event_stream.ts";
import { FORMATS, negotiate } from "../http/negotiate.ts";
import { nextLink, pageHeaders, pageQuery } from "../http/paging.ts";
import { problemBody, problemDetails } from "../http/problem.ts";
import { readInput } from "../http/read_input.ts";
import { type Operation, problemResponses } from "../http/resource.ts";
import { describeJob, findJob, type JobDependencies, jobParams, jobProblems } from "./job.ts";

const EVENT_TYPES = [
  "status",
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
const EVENT_FORMATS = ["event-stream", "json"] as const;

const eventsQuery = pageQuery({
  after: z.int().min(0).openapi({ maximum: Number.MAX_SAFE_INTEGER }),
  most: 10_000,
  usual: 1000,
  what: "event",
}).extend({
  format: z.enum(EVENT_FORMATS).optional().openapi({ description: "Format of the answer, over what Accept says" }),
});

const jobStreamSchema = streamSchema(
  [...EVENT_TYPES, "end", "problem"],
  "status: what is done before the first step; preparing, prepared: images of a data set that is not prepared yet; skipped: a file of it that cannot be read, and " +
    "why; progress: step of steps, loss, imagesPerSecond, secondsLeft and more; sample: url, its picture; checkpoint: " +
    "folder; end: the job, when it has ended, after which nothing follows; problem: why the stream breaks off",
);
const eventSchema = z.looseObject({ id: z.int(), event: z.enum(EVENT_TYPES) });

/** An event, with where its picture is. */
const eventFields = (job: string, { event }: JobEvent): [string, Record<string, unknown>] => {
  const { event: type, ...rest } = event;
  if (event.event !== "sample") return [type, rest];
  return [type, { ...rest, url: `/jobs/${job}/samples/${encodeURIComponent(basename(event.file))}` }];
};

const pastEvents = async (jobs: Jobs, id: string, { after, limit }: { after: number; limit: number }) => {
  const events: z.output<typeof eventSchema>[] = [];
  for await (const event of jobs.events(id, { after, follow: false })) {
    const [type, data] = eventFields(id, event);
    events.push({ id: event.id, event: type as typeof EVENT_TYPES[number], ...data });
    if (events.length === limit) break;
  }
  return events;
};

/** `GET /jobs/{id}/events`: what happens to a job. */
export const jobEvents = ({ jobs, log, stopping, onStream }: JobDependencies): Operation => {
  const streamEvents = async function* (
    id: string,
    after: number,
    signal: AbortSignal,
    at: { id: string; path: string },
  ) {
    let last = after;
    const write = (type: string, data: unknown) => writeEvent({ id: last, type, data: JSON.stringify(data) });
    try {
      for await (const event of jobs.events(id, { after, signal })) {
        last = event.id;
        yield write(...eventFields(id, event));
      }
      if (signal.aborted) return;
      yield write("end", describeJob((await jobs.get(id))!));
    } catch (error) {
      yield write("problem", problemBody(problemDetails(error, log, at), at.id));
    }
  };

  return {
    id: "jobEvents",
    summary: "What happens to a training job, as it happens",
    description:
      "Server-sent events: start, progress, sample, checkpoint, notice, done, stopped or error, and last end, with the job. " +
      "As JSON, those that there are so far, a page at a time. Last-Event-ID says the same as after; limit is JSON's.",
    request: {
      params: jobParams,
      query: eventsQuery,
      headers: lastEventIdHeaders,
    },
    responses: {
      200: {
        description: "The events so far, and in a stream those to come",
        content: {
          "text/event-stream": { schema: jobStreamSchema },
          "application/json": { schema: z.array(eventSchema) },
        },
        headers: pageHeaders,
      },
      ...jobProblems,
      ...problemResponses(406),
    },
    answer: async (c) => {
      const query = await readInput(c, eventsQuery, ["query"]);
      const format = negotiate(c, EVENT_FORMATS, query.format);
      const { id } = await findJob(jobs, c);
      // A browser that reconnects sends the header with the URL that it began with.
      const after = Math.max(query.after ?? 0, lastEventId(c));
      if (format === "json") {
        const events = await pastEvents(jobs, id, { after, limit: query.limit });
        return c.json(events, 200, { ...nextLink(c, events, query.limit), "cache-control": "no-store" });
      }
      const headers = { ...STREAM_HEADERS, "content-type": FORMATS[format] };
      if (c.req.method === "HEAD") return c.body(null, 200, headers);
      const gone = new AbortController();
      const signal = AbortSignal.any([gone.signal, stopping]);
      onStream(1);
      const onEnd = () => {
        onStream(-1);
        gone.abort();
      };
      const events = streamEvents(id, after, signal, { id: c.get("requestId"), path: c.req.path });
      return c.body(textStream(events, { onEnd }), 200, headers);
    },
  };
};

const logsQuery = z.strictObject({
  follow: z.boolean().default(false).openapi({ description: "Go on until the job has ended" }),
  tail: z.int().min(0).max(100_000).optional().openapi({
    description: "Begin with the last lines of those there are; all if left out",
  }),
});

/** `GET /jobs/{id}/logs`: what a job's process printed beside its events. */
export const jobLogs = ({ jobs, stopping }: JobDependencies): Operation => {
  const linesOf = async function* (
    id: string,
    { follow, tail = Infinity }: z.output<typeof logsQuery>,
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
    id: "jobLogs",
    summary: "What a training job printed",
    request: { params: jobParams, query: logsQuery },
    responses: {
      200: { description: "Its lines", content: { "text/plain": { schema: z.string() } } },
      ...jobProblems,
    },
    answer: async (c) => {
      const query = await readInput(c, logsQuery, ["query"]);
      const { id } = await findJob(jobs, c);
      const headers = { ...STREAM_HEADERS, "content-type": "text/plain; charset=utf-8" };
      if (c.req.method === "HEAD") return c.body(null, 200, headers);
      const gone = new AbortController();
      const lines = linesOf(id, query, AbortSignal.any([gone.signal, stopping]));
      return c.body(textStream(lines, { heartbeat: null, onEnd: () => gone.abort() }), 200, headers);
    },
  };
};
