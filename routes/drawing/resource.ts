/**
 * A path that draws images: its request is read (task.fields), resolved (task.prepare), drawn (draw.ts) and answered
 * (answer.ts), as a whole, as a stream of events or as a prediction; and its description in OpenAPI. What the tasks are
 * stands in task.ts, tasks.ts and forward.ts; how images are made is serving/.
 */
import { type OpenAPIHono, type RouteConfig, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { Clients } from "../http/clients.ts";
import { eventStream, STREAM_HEADERS } from "../http/event_stream.ts";
import type { ApiKey } from "../http/rights.ts";
import { LIMITS } from "../http/limits.ts";
import type { Log } from "../http/log.ts";
import { type DoneFormat, type Format, FORMAT_NAMES, FORMATS, negotiate } from "../http/negotiate.ts";
import { parseBody } from "../http/parse_body.ts";
import { CanceledError, problemBody, problemDetails } from "../http/problem.ts";
import { type InputSource, readInput, type ReadOptions } from "../http/read_input.ts";
import { type Operation, problemResponses, resource } from "../http/resource.ts";
import { perModels } from "../models/per_models.ts";
import { predictionDocument, predictionSchema, type PredictionStore, startPrediction } from "../predictions/store.ts";
import { type Admission, type AdmissionDependencies, admit } from "./admission.ts";
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
import { checkScale } from "./scale.ts";
import type { DrawingTask } from "./task.ts";

/** What the resources that draw need. */
export interface DrawingDependencies extends AdmissionDependencies, ResolveDependencies, DrawDependencies {
  readonly clients: Clients;
  /** Counts those that ask for what has been drawn already. */
  readonly readers: Clients;
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

/** Streams what happens to a drawing, and its end, which ends its admission; a reader that goes away ends it. */
const answerStream = (
  c: Context,
  { events, drawing, lifetime }: RunningDrawing,
  admission: Admission,
  { log, onStream, headers }:
    & Pick<DrawingDependencies, "log" | "onStream">
    & { headers: Readonly<Record<string, string>> },
): Response => {
  const id = c.get("requestId");
  const finish = async () => {
    using admitted = admission;
    try {
      events.append("done", await encodeDocument(await drawing, admitted.encoder));
    } catch (error) {
      events.append("error", problemBody(problemDetails(error, log, { id, path: c.req.path }), id));
    }
    events.end();
  };
  finish();
  onStream(1);
  const onEnd = () => {
    onStream(-1);
    lifetime.end(new CanceledError("the client went away"));
  };
  return c.body(eventStream(events, { onEnd }), 200, headers);
};

const prefersAsync = (c: Context): boolean => /(^|,)\s*respond-async\s*($|[,;])/i.test(c.req.header("prefer") ?? "");

const respondWithPrediction = async (
  c: Context,
  resolved: ResolvedDrawing,
  { format, admission }: { format: DoneFormat; admission: Admission },
  deps: DrawingDependencies,
): Promise<Response> => {
  const id = crypto.randomUUID();
  const settings = { id, owner: c.get("key") ?? null, fingerprint: null, format, admission };
  const prediction = await startPrediction(resolved, settings, deps);
  return c.json(predictionDocument(prediction, deps.predictions.expiry(prediction)), 202, {
    location: `/predictions/${id}`,
    "preference-applied": "respond-async",
  });
};

/** How a body is read that may hold images: a short one is parsed at once, a long one where it holds nobody up. */
export const readingImages = ({ lifetime, decoder }: Admission): ReadOptions => ({
  signal: lifetime.signal,
  parse: (type, bytes, contentType) =>
    bytes.length <= LIMITS.bodyBytes
      ? parseBody(type, bytes, contentType)
      : decoder.run("parseBody", type, bytes, contentType),
});

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
  using held = new DisposableStack();
  const admission = held.use(admit(c, deps.clients, deps));
  const input = await readInput(c, schema, sources, readingImages(admission));
  const format = negotiate(c, FORMAT_NAMES, input.format as Format | undefined);
  const resolved = await resolveDrawing(task, input, deps, admission);
  const isStream = format === "event-stream";
  const isLater = prefersAsync(c) && !isStream;
  checkScale(resolved, format, deps.limits, { later: isLater });
  c.set("drawn", { task: task.name, model: resolved.model.name, parameters: resolved.head.parameters });

  const headers = {
    ...parameterHeaders(resolved.head, resolved.enlargement),
    ...(isStream ? STREAM_HEADERS : { "cache-control": "no-store" }),
    vary: "accept, prefer",
  };
  if (c.req.method === "HEAD") return c.body(null, 200, { ...headers, "content-type": FORMATS[format] });
  if (isLater) {
    held.move();
    return await respondWithPrediction(c, resolved, { format, admission }, deps);
  }
  const running = startDrawing(resolved, deps, admission, {
    id: c.get("requestId"),
    frames: frameCount(resolved, format),
    shown: isStream,
  });
  if (!isStream) return await answerDrawing(c, await running.drawing, format, { ...admission, headers });
  await running.begun;
  held.move();
  return answerStream(c, running, admission, { ...deps, headers: { ...headers, "content-type": FORMATS[format] } });
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
