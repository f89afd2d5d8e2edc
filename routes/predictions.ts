import { type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";
import { ParameterError } from "../sampling/errors.ts";
import { admit } from "./drawing/admission.ts";
import { answerDrawing, describeAnyHeaders, describeContent, drawingStreamSchema } from "./drawing/answer.ts";
import { resolveDrawing } from "./drawing/draw.ts";
import { type DrawingDependencies, readingImages } from "./drawing/resource.ts";
import { checkScale, enlargementOf } from "./drawing/scale.ts";
import { type DrawingTask, type FieldOptions, pictureFields } from "./drawing/task.ts";
import { eventStream, lastEventId, lastEventIdHeaders, STREAM_HEADERS } from "./http/event_stream.ts";
import { type DoneFormat, FORMAT_NAMES, FORMATS, isFilm, negotiate } from "./http/negotiate.ts";
import { nextLink, pageHeaders, pageQuery } from "./http/paging.ts";
import { isLongText, type LongText } from "./http/parse_body.ts";
import { CanceledError, problem } from "./http/problem.ts";
import { checkInput, readInput } from "./http/read_input.ts";
import { type Operation, problemResponse, problemResponses, resource } from "./http/resource.ts";
import { perModels } from "./models/per_models.ts";
import {
  predictionDocument,
  predictionSchema,
  type PredictionStore,
  startPrediction,
  type StoredPrediction,
} from "./predictions/store.ts";

/** The name of a prediction. */
const predictionId = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/);

/** The path of all that belongs to one prediction. */
const predictionParams = z.object({
  id: predictionId
    .openapi({ param: { name: "id", in: "path" }, description: "The prediction's id", example: "my-digits-1" }),
});

/** An answer that describes a prediction, for the OpenAPI description. */
const answersPrediction = (description: string) => ({
  description,
  content: { "application/json": { schema: predictionSchema } },
});

/** Whose a request's predictions are. */
const ownerName = (c: Context): string | null => c.get("key") ?? null;

/** Describes a prediction. */
const describePrediction = (predictions: PredictionStore, prediction: StoredPrediction) =>
  predictionDocument(prediction, predictions.expiry(prediction));

/**
 * The prediction that a path names.
 *
 * @throws {HTTPException} 404 if there is none, or it is somebody else's
 */
const findPrediction = (predictions: PredictionStore, c: Context): StoredPrediction => {
  const id = c.req.param("id")!;
  const prediction = predictions.get(id);
  if (prediction && prediction.owner === ownerName(c)) return prediction;
  throw new HTTPException(404, { message: `there is no prediction ${JSON.stringify(id)}, or no longer` });
};

const digestOf = async (bytes: Uint8Array<ArrayBuffer>): Promise<string> =>
  new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();

const sortKeys = (value: unknown): unknown =>
  value !== null && typeof value === "object" && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => a < b ? -1 : 1))
    : value;

/** What is the same for two bodies that say the same, in whatever order of keys. */
const fingerprintOf = async (body: unknown): Promise<string> => {
  const texts: LongText[] = [];
  const json = JSON.stringify(body, (_, part) => isLongText(part) ? { text: texts.push(part) } : sortKeys(part));
  const digests = await Promise.all(texts.map(({ utf8 }) => digestOf(utf8)));
  return await digestOf(new TextEncoder().encode(JSON.stringify([json, digests])));
};

/** The body of a PUT: a task's name and its parameters. */
const putSchema = (tasks: readonly DrawingTask[], options: FieldOptions) => {
  const alternatives = tasks.map(({ name, fields }) =>
    z.strictObject({ task: z.literal(name), input: fields(options) }).openapi({ title: `${name} task` })
  );
  return z.discriminatedUnion("task", alternatives as unknown as [typeof alternatives[number]]);
};

const prefixIssues = (error: unknown): unknown =>
  error instanceof ParameterError
    ? new ParameterError(error.issues.map((issue) => ({ ...issue, field: `input.${issue.field}` })))
    : error;

/**
 * `PUT /predictions/{id}`: makes a prediction of this name, once.
 *
 * @param tasks what it can ask for; the first makes the example
 */
const putPrediction = (tasks: readonly DrawingTask[], deps: DrawingDependencies): Operation => {
  const { serving, predictions, limits, clients, readers } = deps;
  const schema = perModels(serving, (models) => putSchema(tasks, { models, limits }));

  const answer = async (c: Context) => {
    const { id } = checkInput(c.req.param(), predictionParams);
    using held = new DisposableStack();
    // One that is there already may hold its client's last place itself.
    const isThere = predictions.get(id)?.owner === ownerName(c);
    const admission = held.use(admit(c, isThere ? readers : clients, deps));
    const received = await readInput(c, z.looseObject({}), ["json"], readingImages(admission));
    const fingerprint = await fingerprintOf(received);
    const answerExisting = () => {
      const existing = predictions.get(id);
      if (!existing) return null;
      const isSame = existing.owner === ownerName(c) && existing.fingerprint === fingerprint;
      if (isSame) return c.json(describePrediction(predictions, existing), 200);
      return problem(c, 409, `there is a prediction ${JSON.stringify(id)}, of another request`);
    };
    const before = answerExisting();
    if (before) return before;
    const { task: name, input } = checkInput(received, schema()) as { task: string; input: Record<string, unknown> };
    const task = tasks.find((task) => task.name === name)!;
    const resolve = async () => {
      const resolved = await resolveDrawing(task, input, deps, admission);
      const format = resolved.format === undefined || resolved.format === "event-stream" ? "png" : resolved.format;
      checkScale(resolved, format, limits, { later: true });
      return { resolved, format } as const;
    };
    const { resolved, format } = await resolve().catch((error) => {
      throw prefixIssues(error);
    });
    // Another of the same name may have come while the images were decoded.
    const meanwhile = answerExisting();
    if (meanwhile) return meanwhile;
    held.move();
    const settings = { id, owner: ownerName(c), fingerprint, format, admission };
    const prediction = await startPrediction(resolved, settings, deps);
    return c.json(describePrediction(predictions, prediction), 201, { location: `/predictions/${id}` });
  };

  const [{ name: task, example: input }] = tasks;
  return {
    id: "putPrediction",
    summary: "Make a prediction of this name, once",
    description:
      "The body names a task and gives its parameters, images as base64 or data: URLs. The same body again is " +
      "answered with the prediction that is there, so that a client that lost the answer may ask again.",
    request: {
      params: predictionParams,
      body: {
        required: true,
        content: {
          "application/json": {
            schema: schema(),
            example: { task, input },
          },
        },
      },
    },
    responses: {
      200: answersPrediction("The prediction that is there already, of the same request"),
      201: {
        ...answersPrediction("The prediction"),
        headers: z.object({ location: z.string().openapi({ description: "Where to follow it" }) }),
      },
      ...problemResponses(400, 409, 413, 415, 422, 429, 500, 503, 504),
    },
    maxBody: limits.imageBytes,
    answer,
  };
};

/** `GET /predictions/{id}/events`: what happens to a prediction, as it happens. */
const predictionEvents = (
  { predictions, onStream }: Pick<DrawingDependencies, "predictions" | "onStream">,
): Operation => ({
  id: "predictionEvents",
  summary: "What happens to a prediction, as it happens",
  description:
    "Server-sent events: queued, started, step, and last done, error or canceled. After a break, those since " +
    "Last-Event-ID follow; of steps without a picture only the last is kept.",
  request: {
    params: predictionParams,
    headers: lastEventIdHeaders,
  },
  responses: {
    200: {
      description: "The events so far, and those to come",
      content: {
        "text/event-stream": {
          schema: drawingStreamSchema(["queued", "started", "step", "done", "error", "canceled"]),
        },
      },
    },
    ...problemResponses(404),
  },
  answer: (c) => {
    const { running } = findPrediction(predictions, c);
    const headers = { ...STREAM_HEADERS, "content-type": FORMATS["event-stream"] };
    if (c.req.method === "HEAD") return c.body(null, 200, headers);
    onStream(1);
    const stream = eventStream(running.events, { after: lastEventId(c), onEnd: () => onStream(-1) });
    return c.body(stream, 200, headers);
  },
});

const DONE_FORMATS = FORMAT_NAMES.filter((format): format is DoneFormat => format !== "event-stream");

const { scale, resampler } = pictureFields;

const resultQuery = z.strictObject({
  format: z.enum(DONE_FORMATS as [DoneFormat, ...DoneFormat[]]).optional()
    .openapi({ description: "Format of the answer, over what the Accept header says. Default: as it was ordered" }),
  scale: scale.unwrap().optional()
    .openapi({ description: `${scale.description}. Default: as it was ordered`, examples: [4] }),
  resampler: resampler.unwrap().optional()
    .openapi({ description: `${resampler.description}. Default: as it was ordered` }),
});

/** `GET /predictions/{id}/result`: the images of a prediction. */
const predictionResult = (deps: DrawingDependencies): Operation => ({
  id: "predictionResult",
  summary: "The images of a prediction",
  request: { params: predictionParams, query: resultQuery },
  responses: {
    200: { description: "The images", content: describeContent(DONE_FORMATS), headers: describeAnyHeaders() },
    409: problemResponse(409, "It has no images: it is under way, failed or was canceled"),
    ...problemResponses(404, 406, 429, 500, 503, 504),
  },
  answer: async (c) => {
    using admission = admit(c, deps.readers, deps);
    const { end, format: preferred, id } = findPrediction(deps.predictions, c);
    const { format: requested, ...larger } = await readInput(c, resultQuery, ["query"]);
    if (end?.outcome.state !== "succeeded") {
      const state = end === null ? "is under way" : end.outcome.state === "canceled" ? "was canceled" : "failed";
      return problem(c, 409, `the prediction ${JSON.stringify(id)} ${state}`);
    }
    const { drawing } = end.outcome;
    const possible = DONE_FORMATS.filter((format) => drawing.frames.length > 0 || !isFilm(format));
    const offered = [preferred, ...possible.filter((format) => format !== preferred)];
    const format = negotiate(c, offered, requested);
    if (!offered.includes(format)) {
      return problem(c, 406, "no film was kept of this prediction: give frames when it is made");
    }
    const enlargement = enlargementOf(drawing, format, larger, deps.limits);
    return await answerDrawing(c, { ...drawing, enlargement }, format, { ...admission, headers: { vary: "accept" } });
  },
});

const listQuery = pageQuery({ after: predictionId, most: 1000, usual: 100, what: "prediction" });

/** `GET /predictions`. */
const listPredictions = ({ predictions }: Pick<DrawingDependencies, "predictions">): Operation => ({
  id: "listPredictions",
  summary: "The predictions under way and those kept",
  description: "One that goes while its list is read is no place to begin behind any more: begin anew.",
  request: { query: listQuery },
  responses: {
    200: {
      description: "In order of arrival",
      content: { "application/json": { schema: z.array(predictionSchema) } },
      headers: pageHeaders,
    },
  },
  answer: async (c) => {
    const { limit, after } = await readInput(c, listQuery, ["query"]);
    const own = predictions.all.filter(({ owner }) => owner === ownerName(c));
    const known = own.findIndex(({ id }) => id === after);
    if (after !== undefined && known < 0) {
      throw new ParameterError([{ field: "after", received: after, allowed: "the id of a prediction" }]);
    }
    const page = own.slice(known + 1, known + 1 + limit);
    return c.json(page.map((one) => describePrediction(predictions, one)), 200, nextLink(c, page, limit));
  },
});

/**
 * `/predictions`: images that are drawn while their client is elsewhere.
 *
 * @param tasks what `PUT /predictions/{id}` can ask for
 */
export const predictionRoutes = (app: OpenAPIHono, tasks: readonly DrawingTask[], deps: DrawingDependencies): void => {
  const { predictions, keys } = deps;
  const options = { keys, right: "generate", tag: "Predictions" } as const;

  resource(app, "/predictions", { get: listPredictions(deps) }, options);

  resource(app, "/predictions/{id}", {
    get: {
      id: "getPrediction",
      summary: "How far a prediction is",
      request: { params: predictionParams },
      responses: { 200: answersPrediction("The prediction"), ...problemResponses(404) },
      answer: (c) => c.json(describePrediction(predictions, findPrediction(predictions, c)), 200),
    },
    put: putPrediction(tasks, deps),
    delete: {
      id: "deletePrediction",
      summary: "Remove a prediction that has ended",
      request: { params: predictionParams },
      responses: {
        204: { description: "It is gone" },
        ...problemResponses(404),
        409: problemResponse(409, "It is under way: cancel it first"),
      },
      answer: (c) => {
        const { id, end } = findPrediction(predictions, c);
        if (end === null) {
          return problem(
            c,
            409,
            `the prediction ${JSON.stringify(id)} is under way: POST /predictions/${id}/cancel first`,
          );
        }
        predictions.remove(id);
        return c.body(null, 204);
      },
    },
  }, options);

  resource(app, "/predictions/{id}/cancel", {
    post: {
      id: "cancelPrediction",
      summary: "Cancel a prediction",
      description: "Its images are given up. One that has ended stays as it is.",
      request: { params: predictionParams },
      responses: { 200: answersPrediction("The prediction, ended"), ...problemResponses(404) },
      answer: async (c) => {
        const prediction = findPrediction(predictions, c);
        prediction.running.lifetime.end(new CanceledError("the prediction was canceled"));
        await prediction.running.events.over;
        return c.json(describePrediction(predictions, prediction), 200);
      },
    },
  }, options);

  resource(app, "/predictions/{id}/events", { get: predictionEvents(deps) }, options);
  resource(app, "/predictions/{id}/result", { get: predictionResult(deps) }, options);
};
