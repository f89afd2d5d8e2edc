import { type OpenAPIHono, z } from "@hono/zod-openapi";
import type { DrawingDependencies } from "./drawing/dependencies.ts";
import { CalledOffError } from "./failures.ts";
import { answersPrediction, find, ownerOf, params, say } from "./predictions/context.ts";
import { predictionSchema } from "./predictions/document.ts";
import { predictionEvents } from "./predictions/events.ts";
import { putPrediction } from "./predictions/put.ts";
import { predictionResult } from "./predictions/result.ts";
import { resource } from "./resource.ts";
import { problemResponses } from "./responses.ts";
import type { DrawingTask } from "./tasks/task.ts";

/**
 * `/predictions`: images that are drawn while their client is elsewhere.
 *
 * @param tasks what `PUT /predictions/{id}` can ask for
 */
export const predictionRoutes = (app: OpenAPIHono, tasks: readonly DrawingTask[], deps: DrawingDependencies): void => {
  const { predictions, keys } = deps;
  const options = { keys, right: "generate", tag: "Predictions" } as const;

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
      answer: (c) => {
        const own = predictions.all.filter(({ owner }) => owner === ownerOf(c));
        return c.json(own.map((prediction) => say(predictions, prediction)), 200);
      },
    },
  }, options);

  resource(app, "/predictions/{id}", {
    get: {
      id: "get_prediction",
      summary: "How far a prediction is",
      request: { params },
      responses: { 200: answersPrediction("The prediction"), ...problemResponses(404) },
      answer: (c) => c.json(say(predictions, find(predictions, c)), 200),
    },
    put: putPrediction(tasks, deps),
    delete: {
      id: "delete_prediction",
      summary: "Remove a prediction; one under way is given up",
      request: { params },
      responses: { 204: { description: "It is gone" }, ...problemResponses(404) },
      answer: (c) => {
        const { id, running } = find(predictions, c);
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
        const prediction = find(predictions, c);
        prediction.running.cancel(new CalledOffError("the prediction was called off"));
        await prediction.running.events.over;
        return c.json(say(predictions, prediction), 200);
      },
    },
  }, options);

  resource(app, "/predictions/{id}/events", { get: predictionEvents(deps) }, options);
  resource(app, "/predictions/{id}/result", { get: predictionResult(deps) }, options);
};
