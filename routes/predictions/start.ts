import type { Place } from "../access/clients.ts";
import type { Log } from "../access/log.ts";
import { draw, type DrawDependencies } from "../drawing/draw.ts";
import { framesOf, type Order } from "../drawing/order.ts";
import { CalledOffError, explain } from "../failures.ts";
import type { DoneFormat } from "../output/formats.ts";
import { problemBody } from "../problem.ts";
import { predictionDocument } from "./document.ts";
import type { Prediction, Predictions } from "./store.ts";

/** Follows a prediction to its end, and says so in its events. */
const follow = async (prediction: Prediction, predictions: Predictions, log: Log): Promise<void> => {
  const { id, running, head } = prediction;
  const settle = (outcome: NonNullable<Prediction["end"]>["outcome"]) => {
    prediction.end = { at: new Date(), outcome };
  };
  try {
    settle({ status: "succeeded", drawing: await running.drawing });
  } catch (error) {
    if (error instanceof CalledOffError) settle({ status: "canceled" });
    else settle({ status: "failed", problem: problemBody(explain(error, log, { id, task: head.task }), id) });
  }
  const type = { succeeded: "done", failed: "error", canceled: "canceled" }[prediction.end!.outcome.status];
  running.events.append(type, predictionDocument(prediction, predictions.expiry(prediction)));
  running.events.end();
  predictions.ended(prediction);
};

/**
 * Starts to draw an order that nobody waits for.
 *
 * @param options.id its own; there must be no other of that name
 * @param options.place given back at its end
 * @throws {QueueFullError} and what else may refuse it, before it has begun; then there is no prediction
 */
export const startPrediction = async (
  order: Order,
  { id, owner, fingerprint, format, place }: {
    id: string;
    owner: string | null;
    fingerprint: string | null;
    format: DoneFormat;
    place: Place;
  },
  { predictions, log, ...deps }: DrawDependencies & { predictions: Predictions; log: Log },
): Promise<Prediction> => {
  const frames = order.frames ?? framesOf(order, format);
  const running = draw(order, deps, { id, frames, shown: frames > 0 });
  const prediction: Prediction = {
    id,
    owner,
    fingerprint,
    head: order.head,
    format,
    running,
    createdAt: new Date(),
    end: null,
  };
  predictions.add(prediction);
  const followed = running.begun.then(() => follow(prediction, predictions, log));
  followed.catch(() => {}).finally(() => place[Symbol.dispose]());
  try {
    await running.begun;
  } catch (error) {
    predictions.remove(id);
    running.events.end();
    throw error;
  }
  return prediction;
};
