/**
 * A path that draws images: its request is read (task.fields), resolved (task.prepare), drawn (draw.ts) and answered
 * (answer.ts), as a whole, as a stream of events or as a prediction; and its description in OpenAPI. What the tasks are
 * stands in task.ts, tasks.ts and forward.ts; how images are made is serving/.
 */
import { type OpenAPIHono, type RouteConfig, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { clientOf, type Clients, type RequestSlot } from "../http/clients.ts";
import { eventStream, STREAM_HEADERS } from "../http/event_stream.ts";
import type { ApiKey } from "../http/keys.ts";
import type { Log } from "../http/log.ts";
import { type DoneFormat, type Format, FORMAT_NAMES, FORMATS, negotiate } from "../http/negotiate.ts";
import { parseBody } from "../http/parse_body.ts";
import { CanceledError, problemBody, problemDetails, StoppingError } from "../http/problem.ts";
import { type InputSource, readInput } from "../http/read_input.ts";
import { type Operation, problemResponses, resource } from "../http/resource.ts";
import { perModels } from "../models/per_models.ts";
import { predictionDocument, predictionSchema, type PredictionStore, startPrediction } from "../predictions/store.ts";
import { answerDrawing, describeContent, describeHeaders, encodeDocument, parameterHeaders } from "./answer.ts";
import {
  type DrawDependencies,
  frameCount,
  type ResolvedDrawing,
  type ResolveDependencies,
  resolveDrawing,
  type RunningDrawing,
  startDrawing,
} from "./draw.ts";
import type { DrawingTask } from "./task.ts";

/** What the resources that draw need. */
export interface DrawingDependencies extends ResolveDependencies, DrawDependencies {
  readonly clients: Clients;
  readonly predictions: PredictionStore;
  readonly keys: readonly ApiKey[];
  readonly log: Log;
  /** Told of each event stream, with 1 at its start and −1 at its end. */
  readonly onStream: (change: 1 | -1) => void;
}

/**
 * How a request's body stands in the OpenAPI description: as JSON, and as a form where it holds images. JSON comes first,
 * since the page of /docs offers the first to be tried, and has an example of it alone.
 *
 * @param images names of the fields that hold images: base64 or a `data:` URL in JSON, a file in a form
 */
const describeBody = (
  schema: z.ZodObject,
  images: readonly string[],
  example: Readonly<Record<string, unknown>>,
): NonNullable<RouteConfig["request"]>["body"] => {
  const json = { "application/json": { schema, example } };
  if (images.length === 0) return { required: true, content: json };
  const files = images.map((name) => {
    const field = schema.shape[name] as z.ZodType;
    const isOptional = field instanceof z.ZodOptional;
    const { description } = isOptional ? field.unwrap() as z.ZodType : field;
    const file = z.string().openapi({ format: "binary", description });
    return [name, isOptional ? file.optional() : file] as const;
  });
  const form = schema.extend(Object.fromEntries(files) as Record<string, z.ZodType>);
  return { required: true, content: { ...json, "multipart/form-data": { schema: form } } };
};

/** The answers of a resource that draws, as they stand in the OpenAPI description. */
const describeAnswers = (
  { images }: DrawingTask,
  schema: z.ZodObject,
  { formats, hasBody }: { formats: readonly Format[]; hasBody: boolean },
): Operation["responses"] => ({
  200: {
    description: "The images, in the format that was asked for; the headers say how to make them again",
    content: describeContent(formats),
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
  ...(hasBody ? problemResponses(400, 413, 415) : {}),
  ...problemResponses(406, 422, 429, 500, 503, 504),
});

/** Streams what happens to a drawing, and its end; a reader that goes away ends it. */
const answerStream = (
  c: Context,
  { events, drawing, cancel }: RunningDrawing,
  { encoder, log, onStream, headers }:
    & Pick<DrawingDependencies, "encoder" | "log" | "onStream">
    & { headers: Readonly<Record<string, string>> },
): Response => {
  const id = c.get("requestId");
  const finish = async () => {
    try {
      events.append("done", await encodeDocument(await drawing, encoder));
    } catch (error) {
      events.append("error", problemBody(problemDetails(error, log, { id, path: c.req.path }), id));
    }
    events.end();
  };
  finish();
  onStream(1);
  const onEnd = () => {
    onStream(-1);
    cancel(new CanceledError("the client went away"));
  };
  return c.body(eventStream(events, { onEnd }), 200, headers);
};

const prefersAsync = (c: Context): boolean => /(^|,)\s*respond-async\s*($|[,;])/i.test(c.req.header("prefer") ?? "");

const respondWithPrediction = async (
  c: Context,
  resolved: ResolvedDrawing,
  { format, slot }: { format: DoneFormat; slot: RequestSlot },
  deps: DrawingDependencies,
): Promise<Response> => {
  const id = crypto.randomUUID();
  const settings = { id, client: clientOf(c), owner: c.get("key") ?? null, fingerprint: null, format, slot };
  const prediction = await startPrediction(resolved, settings, deps);
  return c.json(predictionDocument(prediction, deps.predictions.expiry(prediction)), 202, {
    location: `/predictions/${id}`,
    "preference-applied": "respond-async",
  });
};

/** Gives a drawing up when the client goes away, until it is disposed. */
const cancelOnDisconnect = (c: Context, { cancel }: RunningDrawing): Disposable => {
  const { signal } = c.req.raw;
  const onGone = () => cancel(new CanceledError("the client went away"));
  signal.addEventListener("abort", onGone, { once: true });
  if (signal.aborted) onGone();
  return { [Symbol.dispose]: () => signal.removeEventListener("abort", onGone) };
};

/**
 * Answers a request for images: with them, with the stream of what happens to them, or at once with a prediction. Whatever
 * ends the request takes its images out of the queue.
 *
 * @param reading.schema what `task.fields` gives
 */
const respond = async (
  c: Context,
  task: DrawingTask,
  { schema, sources }: { schema: z.ZodObject; sources: readonly InputSource[] },
  deps: DrawingDependencies,
): Promise<Response> => {
  if (deps.stopping.aborted) throw new StoppingError("the server is stopping");
  using slots = new DisposableStack();
  const slot = slots.use(deps.clients.take(clientOf(c)));
  const parseElsewhere: typeof parseBody = (...body) => deps.decoder.run("parseBody", ...body);
  const parse = task.images.length === 0 ? parseBody : parseElsewhere;
  const input = await readInput(c, schema, sources, { parse });
  const format = negotiate(c, FORMAT_NAMES, input.format as Format | undefined);
  const resolved = await resolveDrawing(task, input, { ...deps, waited: c.get("waited") });
  c.set("drawn", { task: task.name, model: resolved.model.name, parameters: resolved.head.parameters });

  const isStream = format === "event-stream";
  const headers = {
    ...parameterHeaders(resolved.head),
    ...(isStream ? STREAM_HEADERS : { "cache-control": "no-store" }),
    vary: "accept, prefer",
  };
  if (c.req.method === "HEAD") return c.body(null, 200, { ...headers, "content-type": FORMATS[format] });
  if (prefersAsync(c) && !isStream) {
    slots.move();
    return await respondWithPrediction(c, resolved, { format, slot }, deps);
  }
  const running = startDrawing(resolved, deps, {
    id: c.get("requestId"),
    client: clientOf(c),
    frames: frameCount(resolved, format),
    shown: isStream,
  });
  if (!isStream) {
    using _ = cancelOnDisconnect(c, running);
    return await answerDrawing(c, await running.drawing, format, { encoder: deps.encoder, headers });
  }
  cancelOnDisconnect(c, running);
  await running.begun;
  slots.move();
  running.drawing.catch(() => {}).finally(() => slot[Symbol.dispose]());
  return answerStream(c, running, { ...deps, headers: { ...headers, "content-type": FORMATS[format] } });
};

const preferHeaders = z.object({
  prefer: z.string().optional()
    .openapi({ description: "respond-async makes a prediction of it", examples: ["respond-async"] }),
});

/** Mounts a resource that draws: by GET with its parameters in the query, by POST with them in the body. */
export const drawingResource = (
  app: OpenAPIHono,
  path: string,
  tasks: { readonly get?: DrawingTask; readonly post: DrawingTask },
  deps: DrawingDependencies,
): void => {
  const { serving, limits, keys } = deps;
  const operation = (method: "get" | "post", task: DrawingTask): Operation => {
    const { name, summary, description, images, example } = task;
    const schemaNow = perModels(serving, (models) => task.fields({ models, limits }));
    const schema = schemaNow();
    const hasBody = method === "post";
    const sources: readonly InputSource[] = !hasBody ? ["query"] : images.length === 0 ? ["json"] : ["form", "json"];
    return {
      id: hasBody ? name : `get${name[0].toUpperCase()}${name.slice(1)}`,
      summary,
      description,
      request: hasBody
        ? { body: describeBody(schema, images, example), headers: preferHeaders }
        : { query: schema, headers: preferHeaders },
      responses: describeAnswers(task, schema, { formats: FORMAT_NAMES, hasBody }),
      maxBody: images.length === 0 ? limits.bodyBytes : limits.imageBytes,
      answer: (c) => respond(c, task, { schema: schemaNow(), sources }, deps),
    };
  };
  const operations = {
    ...(tasks.get ? { get: operation("get", tasks.get) } : {}),
    post: operation("post", tasks.post),
  };
  resource(app, path, operations, { keys, right: "generate", tag: "Images" });
};
