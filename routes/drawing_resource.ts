import { type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { clientOf, type Clients } from "./access/clients.ts";
import type { ApiKey } from "./access/keys.ts";
import type { Log } from "./access/log.ts";
import { draw, type DrawDependencies, type Running } from "./draw.ts";
import { eventSchema } from "./events/event_schema.ts";
import { eventStream } from "./events/event_stream.ts";
import { CalledOffError, explain, StoppingError } from "./failures.ts";
import { describeBody } from "./input/body.ts";
import { parseBody } from "./input/parse_body.ts";
import { readInput, type Source } from "./input/read_input.ts";
import { framesOf, makeOrder, type OrderDependencies } from "./order.ts";
import { drawingSchema } from "./output/document.ts";
import { encodeDocument, encodeDrawing } from "./output/encode_drawing.ts";
import { FORMAT_NAMES, FORMATS } from "./output/formats.ts";
import { describeHeaders, drawingHeaders, headHeaders } from "./output/headers.ts";
import { negotiate } from "./output/negotiate.ts";
import { predictionDocument, predictionSchema } from "./predictions/document.ts";
import { startPrediction } from "./predictions/start.ts";
import type { Predictions } from "./predictions/store.ts";
import { problemBody } from "./problem.ts";
import { type Method, type Operation, resource } from "./resource.ts";
import { problemResponses } from "./responses.ts";
import type { DrawingTask } from "./tasks/task.ts";

/** What the resources that draw stand on. */
export interface DrawingDependencies extends OrderDependencies, DrawDependencies {
  readonly clients: Clients;
  readonly predictions: Predictions;
  readonly keys: readonly ApiKey[];
  readonly log: Log;
  /** Told of each event stream, with 1 at its start and −1 at its end. */
  readonly onStream: (change: 1 | -1) => void;
}

const prefersAsync = (c: Context): boolean => /(^|,)\s*respond-async\s*($|[,;])/i.test(c.req.header("prefer") ?? "");

const binary = { schema: z.string().openapi({ type: "string", format: "binary" }) };

/** What a drawing may be answered with, by media type. */
export const drawingContent: Record<string, { schema: z.ZodType }> = {
  ...Object.fromEntries(Object.values(FORMATS).map((type) => [type, binary])),
  [FORMATS.json]: { schema: drawingSchema },
  [FORMATS["event-stream"]]: { schema: eventSchema(["queued", "started", "step", "done", "error"]) },
};

const describeAnswers = ({ images }: DrawingTask, schema: z.ZodObject, method: Method): Operation["responses"] => {
  return {
    200: {
      description: "The images, in the format that was asked for; the headers say how to make them again",
      content: drawingContent,
      headers: describeHeaders(schema, images),
    },
    202: {
      description: "With Prefer: respond-async, the prediction that will have the images",
      content: { "application/json": { schema: predictionSchema } },
      headers: z.object({
        location: z.string().openapi({ description: "Where to follow it" }),
        "preference-applied": z.string().openapi({ description: "respond-async" }),
      }),
    },
    ...(method === "get" ? {} : problemResponses(400, 413, 415)),
    ...problemResponses(406, 422, 429, 500, 503, 504),
  };
};

/** Streams what happens to a drawing, and its end; a reader that goes away ends it. */
const answerStream = (c: Context, running: Running, { encoder, log, onStream }: DrawingDependencies): Response => {
  const id = c.get("requestId");
  const { events, drawing } = running;
  const finish = async () => {
    try {
      events.append("done", await encodeDocument(await drawing, encoder));
    } catch (error) {
      events.append("error", problemBody(explain(error, log, { id, path: c.req.path }), id));
    }
    events.end();
  };
  finish();
  onStream(1);
  const onEnd = () => {
    onStream(-1);
    running.cancel(new CalledOffError("the client went away"));
  };
  return c.body(eventStream(events, { onEnd }));
};

/**
 * Mounts a resource that draws: by GET with its parameters in the query, by POST with them in the body.
 *
 * Whatever ends the request takes its images out of the queue.
 */
export const drawingResource = (
  app: OpenAPIHono,
  path: string,
  tasks: { readonly get?: DrawingTask; readonly post: DrawingTask },
  deps: DrawingDependencies,
): void => {
  const { serving, limits, clients, stopping, encoder, decoder, predictions } = deps;
  const parseElsewhere: typeof parseBody = (...body) => decoder.run("parseBody", ...body);

  const answer = async (c: Context, task: DrawingTask, schema: z.ZodObject, sources: readonly Source[]) => {
    if (stopping.aborted) throw new StoppingError("the server is stopping");
    using places = new DisposableStack();
    const place = places.use(clients.take(clientOf(c)));
    const parse = task.images.length === 0 ? parseBody : parseElsewhere;
    const input = await readInput(c, schema, sources, { parse });
    const format = negotiate(c, FORMAT_NAMES, input.format as typeof FORMAT_NAMES[number] | undefined);
    const order = await makeOrder(task, input, deps);
    c.set("drawn", { task: task.name, model: order.model.name, parameters: order.head.parameters });
    const head = { ...headHeaders(order.head), "cache-control": "no-store", vary: "accept, prefer" };

    if (c.req.method === "HEAD") return c.body(null, 200, { ...head, "content-type": FORMATS[format] });
    if (prefersAsync(c) && format !== "event-stream") {
      const id = crypto.randomUUID();
      places.move();
      const owner = c.get("key") ?? null;
      const prediction = await startPrediction(order, { id, owner, fingerprint: null, format, place }, deps);
      return c.json(predictionDocument(prediction, predictions.expiry(prediction)), 202, {
        location: `/predictions/${id}`,
        "preference-applied": "respond-async",
      });
    }

    const isStream = format === "event-stream";
    const running = draw(order, deps, { id: c.get("requestId"), frames: framesOf(order, format), shown: isStream });
    const onGone = () => running.cancel(new CalledOffError("the client went away"));
    const { signal } = c.req.raw;
    signal.addEventListener("abort", onGone, { once: true });
    if (signal.aborted) onGone();
    if (isStream) {
      await running.begun;
      places.move();
      running.drawing.catch(() => {}).finally(() => place[Symbol.dispose]());
      for (const [name, value] of Object.entries({ ...head, "content-type": FORMATS[format] })) c.header(name, value);
      return answerStream(c, running, deps);
    }
    try {
      const drawing = await running.drawing;
      const started = performance.now();
      const { body, type } = await encodeDrawing(drawing, format, encoder);
      const encoding = (performance.now() - started) / 1000;
      return c.body(body, 200, { ...head, ...drawingHeaders(drawing, encoding), "content-type": type });
    } finally {
      signal.removeEventListener("abort", onGone);
    }
  };

  const operation = (method: "get" | "post", task: DrawingTask): Operation => {
    const { name, summary, description, images, example } = task;
    const schema = task.fields({ models: serving.models, limits });
    const headers = z.object({
      prefer: z.string().optional()
        .openapi({ description: "respond-async makes a prediction of it", example: "respond-async" }),
    });
    const request = method === "get"
      ? { query: schema, headers }
      : { body: describeBody(schema, images, example), headers };
    const sources: readonly Source[] = method === "get" ? ["query"] : images.length === 0 ? ["json"] : ["form", "json"];
    return {
      id: method === "get" ? `get_${name}` : name,
      summary,
      description,
      request,
      responses: describeAnswers(task, schema, method),
      maxBody: images.length === 0 ? limits.bodyBytes : limits.imageBytes,
      answer: (c) => answer(c, task, schema, sources),
    };
  };

  const operations = {
    ...(tasks.get ? { get: operation("get", tasks.get) } : {}),
    post: operation("post", tasks.post),
  };
  resource(app, path, operations, { keys: deps.keys, right: "generate", tag: "Images" });
};
