import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { createHash } from "node:crypto";
import { ParameterError } from "../../sampling/errors.ts";
import { clientOf } from "../access/clients.ts";
import type { DrawingDependencies } from "../drawing/dependencies.ts";
import { makeOrder } from "../drawing/order.ts";
import { StoppingError } from "../failures.ts";
import type { FieldOptions } from "../input/fields.ts";
import type { parseBody } from "../input/parse_body.ts";
import { checkInput, readInput } from "../input/read_input.ts";
import { perModels } from "../models/per_models.ts";
import { problem } from "../problem.ts";
import type { Operation } from "../resource.ts";
import { problemResponses } from "../responses.ts";
import type { DrawingTask } from "../tasks/task.ts";
import { answersPrediction, ownerOf, params, say } from "./context.ts";
import { startPrediction } from "./start.ts";

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
const bodySchema = (tasks: readonly DrawingTask[], options: FieldOptions) => {
  const alternatives = tasks.map(({ name, fields }) =>
    z.strictObject({ task: z.literal(name), input: fields(options) })
  );
  return z.discriminatedUnion("task", alternatives as unknown as [typeof alternatives[number]]);
};

const inInput = (error: unknown): unknown =>
  error instanceof ParameterError
    ? new ParameterError(error.issues.map((issue) => ({ ...issue, field: `input.${issue.field}` })))
    : error;

/**
 * `PUT /predictions/{id}`: makes a prediction of this name, once.
 *
 * @param tasks what it can ask for; the first makes the example
 */
export const putPrediction = (tasks: readonly DrawingTask[], deps: DrawingDependencies): Operation => {
  const { serving, predictions, decoder, limits, clients, stopping } = deps;
  const schema = perModels(serving, (models) => bodySchema(tasks, { models, limits }));

  const answer = async (c: Context) => {
    if (stopping.aborted) throw new StoppingError("the server is stopping");
    const { id } = checkInput(c.req.param(), params);
    const parse: typeof parseBody = (...body) => decoder.run("parseBody", ...body);
    const received = await readInput(c, z.looseObject({}), ["json"], { parse });
    const fingerprint = createHash("sha256").update(canonical(received)).digest("hex");
    const answerExisting = () => {
      const existing = predictions.get(id);
      if (!existing) return null;
      const isSame = existing.owner === ownerOf(c) && existing.fingerprint === fingerprint;
      if (isSame) return c.json(say(predictions, existing), 200);
      return problem(c, 409, `there is a prediction ${JSON.stringify(id)}, of another request`);
    };
    const before = answerExisting();
    if (before) return before;
    const { task: name, input } = checkInput(received, schema()) as { task: string; input: Record<string, unknown> };
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
    return c.json(say(predictions, prediction), 201, { location: `/predictions/${id}` });
  };

  const [{ name: task, example: input }] = tasks;
  return {
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
      ...problemResponses(400, 409, 413, 415, 422, 429, 500, 503),
    },
    maxBody: limits.imageBytes,
    answer,
  };
};
