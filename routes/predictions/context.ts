import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";
import { predictionDocument, predictionSchema } from "./document.ts";
import type { Prediction, Predictions } from "./store.ts";

/** The name of a prediction, in its path. */
export const idSchema = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/)
  .openapi({ param: { name: "id", in: "path" }, description: "The prediction's id", example: "my-digits-1" });

/** The path of all that belongs to one prediction. */
export const params = z.object({ id: idSchema });

/** An answer that says where a prediction stands, for the OpenAPI description. */
export const answersPrediction = (description: string) => ({
  description,
  content: { "application/json": { schema: predictionSchema } },
});

/** Whose a request's predictions are. */
export const ownerOf = (c: Context): string | null => c.get("key") ?? null;

/** Says where a prediction stands. */
export const say = (predictions: Predictions, prediction: Prediction) =>
  predictionDocument(prediction, predictions.expiry(prediction));

/**
 * The prediction that a path names.
 *
 * @throws {HTTPException} 404 if there is none, or it is somebody else's
 */
export const find = (predictions: Predictions, c: Context): Prediction => {
  const id = c.req.param("id")!;
  const prediction = predictions.get(id);
  if (prediction && prediction.owner === ownerOf(c)) return prediction;
  throw new HTTPException(404, { message: `there is no prediction ${JSON.stringify(id)}, or no longer` });
};
