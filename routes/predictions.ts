import { createHash } from "node:crypto";
import { type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";
import { ParameterError } from "../serving/resolve.ts";
import { clientOf } from "./access/clients.ts";
import { drawingContent, type DrawingDependencies } from "./drawing_resource.ts";
import { eventSchema } from "./events/event_schema.ts";
import { eventStream } from "./events/event_stream.ts";
import { CalledOffError, StoppingError } from "./failures.ts";
import { parseBody } from "./input/parse_body.ts";
import { checkInput, readInput } from "./input/read_input.ts";
import { makeOrder } from "./order.ts";
import { encodeDrawing } from "./output/encode_drawing.ts";
import { type DoneFormat, FORMAT_NAMES, FORMATS, isFilm } from "./output/formats.ts";
import { describeAnyHeaders, drawingHeaders } from "./output/headers.ts";
import { negotiate } from "./output/negotiate.ts";
import { predictionDocument, predictionSchema } from "./predictions/document.ts";
import { startPrediction } from "./predictions/start.ts";
import type { Prediction } from "./predictions/store.ts";
import { problem } from "./problem.ts";
import { resource } from "./resource.ts";
import { problemResponses } from "./responses.ts";
import type { DrawingTask } from "./tasks/task.ts";

const DONE_FORMATS = FORMAT_NAMES.filter((format): format is DoneFormat => format !== "event-stream");

const idSchema = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/)
  .openapi({ param: { name: "id", in: "path" }, description: "The prediction's id", example: "my-digits-1" });

const params = z.object({ id: idSchema });

const resultQuery = z.strictObject({
  format: z.enum(DONE_FORMATS as [DoneFormat, ...DoneFormat[]]).optional()
    .openapi({ description: "Format of the answer, over what the Accept header says. Default: as it was ordered" }),
});

const answersPrediction = (description: string) => ({
  description,
  content: { "application/json": { schema: predictionSchema } },
});

/** A value as JSON whose text does not depend on the order of keys. */
const canonical = (value: unknown): string =>
  JSON.stringify(
    value,
    (_, part) =>
      part !== null && typeof part === "object" && !Array.isArray(part)
        ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => a < b ? -1 : 1))
        : part,
  );

/** The body of a PUT: a task's name and its parameters. */
const bodySchema = (tasks: readonly DrawingTask[], deps: DrawingDependencies) => {
  const alternatives = tasks.map(({ name, fields }) =>
    z.strictObject({ task: z.literal(name), input: fields({ models: deps.serving.models, limits: deps.limits }) })
  );
  return z.discriminatedUnion("task", alternatives as unknown as [typeof alternatives[number]]);
};

const inInput = (error: unknown): unknown =>
  error instanceof ParameterError
    ? new ParameterError(error.issues.map((issue) => ({ ...issue, field: `input.${issue.field}` })))
    : error;

/**
 * `/predictions`: images that are drawn while their client is elsewhere.
 *
 * @param tasks what `PUT /predictions/{id}` can ask for
 */
export const predictionRoutes = (app: OpenAPIHono, tasks: readonly DrawingTask[], deps: DrawingDependencies): void => {
  const { predictions, encoder, decoder, limits, clients, stopping, onStream } = deps;
  const options = { keys: deps.keys, right: "generate", tag: "Predictions" } as const;
  const ownerOf = (c: Context) => c.get("key") ?? null;
  const say = (prediction: Prediction) => predictionDocument(prediction, predictions.expiry(prediction));

  const find = (c: Context): Prediction => {
    const id = c.req.param("id")!;
    const prediction = predictions.get(id);
    if (prediction && prediction.owner === ownerOf(c)) return prediction;
    throw new HTTPException(404, { message: `there is no prediction ${JSON.stringify(id)}, or no longer` });
  };

  resource(app, "/predictions", {
    get: {
      id: "list_predictions",
      summary: "The predictions under way and those kept",
      responses: {
        200: {
          description: "In order of arrival",
          content: { "application/json": { schema: z.array(predictionSchema) } },
        },
      },
      answer: (c) => c.json(predictions.all.filter(({ owner }) => owner === ownerOf(c)).map(say), 200),
    },
  }, options);

  const schema = bodySchema(tasks, deps);

  const put = async (c: Context) => {
    if (stopping.aborted) throw new StoppingError("the server is stopping");
    const { id } = checkInput(c.req.param(), z.strictObject({ id: idSchema }));
    const parse: typeof parseBody = (...body) => decoder.run("parseBody", ...body);
    const received = await readInput(c, z.looseObject({}), ["json"], { parse });
    const fingerprint = createHash("sha256").update(canonical(received)).digest("hex");
    const answerExisting = () => {
      const existing = predictions.get(id);
      if (!existing) return null;
      const isSame = existing.owner === ownerOf(c) && existing.fingerprint === fingerprint;
      if (isSame) return c.json(say(existing), 200);
      return problem(c, 409, `there is a prediction ${JSON.stringify(id)}, of another request`);
    };
    const before = answerExisting();
    if (before) return before;
    const { task: name, input } = checkInput(received, schema) as { task: string; input: Record<string, unknown> };
    const task = tasks.find((task) => task.name === name)!;
    using places = new DisposableStack();
    const place = places.use(clients.take(clientOf(c)));
    const order = await makeOrder(task, input, deps).catch((error) => {
      throw inInput(error);
    });
    // Another of the same name may have come while the images were decoded.
    const meanwhile = answerExisting();
    if (meanwhile) return meanwhile;
    const format = order.format === undefined || order.format === "event-stream" ? "png" : order.format;
    places.move();
    const prediction = await startPrediction(order, { id, owner: ownerOf(c), fingerprint, format, place }, deps);
    return c.json(say(prediction), 201, { location: `/predictions/${id}` });
  };

  resource(app, "/predictions/{id}", {
    get: {
      id: "get_prediction",
      summary: "How far a prediction is",
      request: { params },
      responses: { 200: answersPrediction("The prediction"), ...problemResponses(404) },
      answer: (c) => c.json(say(find(c)), 200),
    },
    put: {
      id: "put_prediction",
      summary: "Make a prediction of this name, once",
      description:
        "The body names a task and gives its parameters, images as base64 or data: URLs. The same body again is " +
        "answered with the prediction that is there, so that a client that lost the answer may ask again.",
      request: {
        params,
        body: {
          required: true,
          content: {
            "application/json": {
              schema,
              example: { task: "generate", input: tasks.find(({ name }) => name === "generate")!.example },
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
        ...problemResponses(400, 409, 413, 415, 422, 429, 500, 503),
      },
      maxBody: limits.imageBytes,
      answer: put,
    },
    delete: {
      id: "delete_prediction",
      summary: "Remove a prediction; one under way is given up",
      request: { params },
      responses: { 204: { description: "It is gone" }, ...problemResponses(404) },
      answer: (c) => {
        const { id, running } = find(c);
        predictions.remove(id);
        running.cancel(new CalledOffError("the prediction was removed"));
        return c.body(null, 204);
      },
    },
  }, options);

  resource(app, "/predictions/{id}/cancel", {
    post: {
      id: "cancel_prediction",
      summary: "Give up a prediction",
      description: "One that has ended stays as it is.",
      request: { params },
      responses: { 200: answersPrediction("The prediction, ended"), ...problemResponses(404) },
      answer: async (c) => {
        const prediction = find(c);
        const { running } = prediction;
        running.cancel(new CalledOffError("the prediction was called off"));
        await running.events.over;
        return c.json(say(prediction), 200);
      },
    },
  }, options);

  resource(app, "/predictions/{id}/events", {
    get: {
      id: "prediction_events",
      summary: "What happens to a prediction, as it happens",
      description:
        "Server-sent events: queued, started, step, and last done, error or canceled. After a break, those since " +
        "Last-Event-ID follow; of steps without a picture only the last is kept.",
      request: {
        params,
        headers: z.object({
          "last-event-id": z.string().optional().openapi({
            description: "Id of the last event received",
            example: "3",
          }),
        }),
      },
      responses: {
        200: {
          description: "The events so far, and those to come",
          content: {
            "text/event-stream": { schema: eventSchema(["queued", "started", "step", "done", "error", "canceled"]) },
          },
        },
        ...problemResponses(404),
      },
      answer: (c) => {
        const { running } = find(c);
        const headers = { "content-type": FORMATS["event-stream"], "cache-control": "no-store" };
        if (c.req.method === "HEAD") return c.body(null, 200, headers);
        const id = Number(c.req.header("last-event-id"));
        onStream(1);
        const stream = eventStream(running.events, {
          after: Number.isSafeInteger(id) && id > 0 ? id : 0,
          onEnd: () => onStream(-1),
        });
        return c.body(stream, 200, headers);
      },
    },
  }, options);

  const content = Object.fromEntries(DONE_FORMATS.map((format) => [FORMATS[format], drawingContent[FORMATS[format]]]));
  resource(app, "/predictions/{id}/result", {
    get: {
      id: "prediction_result",
      summary: "The images of a prediction",
      request: { params, query: resultQuery },
      responses: {
        200: { description: "The images", content, headers: describeAnyHeaders() },
        ...problemResponses(404, 406, 500),
        ...{
          409: {
            ...problemResponses(409)[409],
            description: "It has no images: it is under way, failed or was canceled",
          },
        },
      },
      answer: async (c) => {
        const { end, format: preferred, id } = find(c);
        const { format: asked } = await readInput(c, resultQuery, ["query"]);
        if (end?.outcome.status !== "succeeded") {
          return problem(c, 409, `the prediction ${JSON.stringify(id)} ${end ? end.outcome.status : "is under way"}`);
        }
        const { drawing } = end.outcome;
        const possible = DONE_FORMATS.filter((format) => drawing.frames.length > 0 || !isFilm(format));
        const offered = [preferred, ...possible.filter((format) => format !== preferred)];
        const format = negotiate(c, offered, asked);
        if (!offered.includes(format)) {
          return problem(c, 406, "no film was kept of this prediction: give frames when it is made");
        }
        const started = performance.now();
        const { body, type } = await encodeDrawing(drawing, format, encoder);
        const encoding = (performance.now() - started) / 1000;
        return c.body(body, 200, { ...drawingHeaders(drawing, encoding), "content-type": type, vary: "accept" });
      },
    },
  }, options);
};
