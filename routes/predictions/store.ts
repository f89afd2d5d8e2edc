import { z } from "@hono/zod-openapi";
import type { JobState } from "../../jobs/jobs.ts";
import type { Admission } from "../drawing/admission.ts";
import type { Drawing, DrawingHead } from "../drawing/answer.ts";
import {
  type DrawDependencies,
  frameCount,
  type ResolvedDrawing,
  type RunningDrawing,
  startDrawing,
} from "../drawing/draw.ts";
import type { Limits } from "../http/limits.ts";
import type { Log } from "../http/log.ts";
import { type DoneFormat, FORMAT_NAMES } from "../http/negotiate.ts";
import { CanceledError, problemBody, problemDetails, problemSchema } from "../http/problem.ts";

/** What a prediction is doing, in the words of jobs; it is canceled at once, so that it is never about to be. */
const PREDICTION_STATES = ["queued", "running", "succeeded", "failed", "canceled"] as const satisfies JobState[];

/** Images that are drawn while their client is elsewhere. */
export interface StoredPrediction {
  readonly id: string;
  /** Who made it, and may see it; null where there are no keys. */
  readonly owner: string | null;
  /** Digest of the body that made it, where it came by PUT. */
  readonly fingerprint: string | null;
  readonly head: DrawingHead;
  /** The format that its result has by default. */
  readonly format: DoneFormat;
  readonly running: RunningDrawing;
  readonly createdAt: Date;
  /** How it ended; null while it is under way. */
  end: {
    readonly at: Date;
    readonly outcome:
      | { readonly state: "succeeded"; readonly drawing: Drawing }
      | { readonly state: "failed"; readonly problem: ReturnType<typeof problemBody> }
      | { readonly state: "canceled" };
  } | null;
}

/** The predictions of a server: those under way, and those that ended not long ago. */
export interface PredictionStore {
  add(prediction: StoredPrediction): void;
  get(id: string): StoredPrediction | undefined;
  /** In order of arrival. */
  readonly all: readonly StoredPrediction[];
  /** Notes that a prediction has ended: from now on it is kept for a while. */
  markEnded(prediction: StoredPrediction): void;
  remove(id: string): void;
  /** When a prediction is removed; null while it is under way. */
  expiry(prediction: StoredPrediction): Date | null;
  /** Bytes of the images and events that are kept. */
  readonly bytes: number;
  /** Removes all. */
  close(): void;
}

const storedBytes = ({ running, end }: StoredPrediction): number => {
  const drawing = end?.outcome.state === "succeeded" ? end.outcome.drawing : null;
  const frames = drawing?.frames.reduce((sum, frame) => sum + frame.byteLength, 0) ?? 0;
  return running.events.size + (drawing?.values.byteLength ?? 0) + frames;
};

/**
 * Makes an empty store. An ended prediction goes after `retainedSeconds`, and sooner where more than `retainedCount` of
 * them, or more than `retainedBytes`, are kept: the one that ended first goes first.
 */
export const createPredictionStore = (
  { retainedSeconds, retainedCount, retainedBytes }: Pick<
    Limits,
    "retainedSeconds" | "retainedCount" | "retainedBytes"
  >,
): PredictionStore => {
  const predictions = new Map<string, StoredPrediction>();
  /** In the order in which they ended. */
  const timers = new Map<string, ReturnType<typeof setTimeout>>();
  const sizes = new Map<string, number>();
  let bytes = 0;

  const remove = (id: string) => {
    clearTimeout(timers.get(id));
    timers.delete(id);
    bytes -= sizes.get(id) ?? 0;
    sizes.delete(id);
    predictions.delete(id);
  };
  const trim = () => {
    for (const id of timers.keys()) {
      if (timers.size <= retainedCount && bytes <= retainedBytes) return;
      remove(id);
    }
  };

  return {
    add: (prediction) => predictions.set(prediction.id, prediction),
    get: (id) => predictions.get(id),
    get all() {
      return [...predictions.values()];
    },
    markEnded: (prediction) => {
      const { id } = prediction;
      if (predictions.get(id) !== prediction) return;
      timers.set(id, setTimeout(() => remove(id), retainedSeconds * 1000));
      const size = storedBytes(prediction);
      sizes.set(id, size);
      bytes += size;
      trim();
    },
    remove,
    expiry: ({ end }) => end && new Date(end.at.getTime() + retainedSeconds * 1000),
    get bytes() {
      return bytes;
    },
    close: () => {
      for (const id of [...predictions.keys()]) remove(id);
    },
  };
};

const dateTime = z.iso.datetime();

/** A prediction as JSON. */
export const predictionSchema = z.object({
  id: z.string(),
  task: z.string(),
  model: z.string(),
  state: z.enum(PREDICTION_STATES),
  parameters: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
    .openapi({ description: "Every choice that was made: the same parameters make the same images" }),
  format: z.enum(FORMAT_NAMES).openapi({ description: "The format that its result has by default" }),
  progress: z.object({ done: z.int(), total: z.int() }).nullable()
    .openapi({ description: "Steps done over all its images, of those they take together" }),
  createdAt: dateTime,
  startedAt: dateTime.nullable(),
  endedAt: dateTime.nullable(),
  expiresAt: dateTime.nullable().openapi({
    description: "When it is removed at the latest; null while it is under way",
  }),
  // As a union: `nullable` would make every problem of the OpenAPI description nullable.
  error: z.union([problemSchema, z.null()]).openapi({ description: "Why it failed" }),
  urls: z.object({ self: z.string(), events: z.string(), result: z.string(), cancel: z.string() }),
}).openapi("Prediction", {
  example: {
    id: "7c4ee3f0-3a35-4a4c-9a52-6bd2e1d9f1b0",
    task: "generate",
    model: "digits",
    state: "running",
    parameters: { n: 4, seed: 7, sampler: "ddim", steps: 50, guidance: 1 },
    format: "png",
    progress: { done: 40, total: 200 },
    createdAt: "2026-01-01T12:00:00.000Z",
    startedAt: "2026-01-01T12:00:00.010Z",
    endedAt: null,
    expiresAt: null,
    error: null,
    urls: {
      self: "/predictions/7c4ee3f0-3a35-4a4c-9a52-6bd2e1d9f1b0",
      events: "/predictions/7c4ee3f0-3a35-4a4c-9a52-6bd2e1d9f1b0/events",
      result: "/predictions/7c4ee3f0-3a35-4a4c-9a52-6bd2e1d9f1b0/result",
      cancel: "/predictions/7c4ee3f0-3a35-4a4c-9a52-6bd2e1d9f1b0/cancel",
    },
  },
});

/** Describes a prediction, as JSON. */
export const predictionDocument = (
  { id, head, running, format, createdAt, end }: StoredPrediction,
  expiry: Date | null,
): z.output<typeof predictionSchema> => ({
  id,
  task: head.task,
  model: head.model,
  state: end?.outcome.state ?? (running.startedAt ? "running" : "queued"),
  parameters: { ...head.parameters },
  format,
  progress: running.progress,
  createdAt: createdAt.toISOString(),
  startedAt: running.startedAt?.toISOString() ?? null,
  endedAt: end?.at.toISOString() ?? null,
  expiresAt: expiry?.toISOString() ?? null,
  error: end?.outcome.state === "failed" ? end.outcome.problem : null,
  urls: {
    self: `/predictions/${id}`,
    events: `/predictions/${id}/events`,
    result: `/predictions/${id}/result`,
    cancel: `/predictions/${id}/cancel`,
  },
});

/** Follows a prediction to its end, and says so in its events. */
const followToEnd = async (prediction: StoredPrediction, predictions: PredictionStore, log: Log): Promise<void> => {
  const { id, running, head } = prediction;
  const settle = (outcome: NonNullable<StoredPrediction["end"]>["outcome"]) => {
    prediction.end = { at: new Date(), outcome };
  };
  try {
    settle({ state: "succeeded", drawing: await running.drawing });
  } catch (error) {
    if (error instanceof CanceledError) settle({ state: "canceled" });
    else settle({ state: "failed", problem: problemBody(problemDetails(error, log, { id, task: head.task }), id) });
  }
  const type = { succeeded: "done", failed: "error", canceled: "canceled" }[prediction.end!.outcome.state];
  running.events.append(type, predictionDocument(prediction, predictions.expiry(prediction)));
  running.events.end();
  predictions.markEnded(prediction);
};

/**
 * Starts to draw what nobody waits for.
 *
 * @param options.id its own; there must be no other of that name
 * @param options.admission outlives its request, and is disposed at the end
 * @throws {QueueFullError} and what else may refuse it, before it has begun; then there is no prediction
 */
export const startPrediction = async (
  resolved: ResolvedDrawing,
  { id, owner, fingerprint, format, admission }: {
    id: string;
    owner: string | null;
    fingerprint: string | null;
    format: DoneFormat;
    admission: Admission;
  },
  { predictions, log, ...deps }: DrawDependencies & { predictions: PredictionStore; log: Log },
): Promise<StoredPrediction> => {
  const frames = resolved.frames ?? frameCount(resolved, format);
  admission.lifetime.outlive();
  const running = startDrawing(resolved, deps, admission, { id, frames, shown: frames > 0 });
  const prediction: StoredPrediction = {
    id,
    owner,
    fingerprint,
    head: resolved.head,
    format,
    running,
    createdAt: new Date(),
    end: null,
  };
  predictions.add(prediction);
  const followed = running.begun.then(() => followToEnd(prediction, predictions, log));
  followed.catch(() => {}).finally(() => admission[Symbol.dispose]());
  try {
    await running.begun;
  } catch (error) {
    predictions.remove(id);
    running.events.end();
    throw error;
  }
  return prediction;
};
