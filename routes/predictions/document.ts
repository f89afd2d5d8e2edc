import { z } from "@hono/zod-openapi";
import { FORMAT_NAMES } from "../output/formats.ts";
import { problemSchema } from "../problem.ts";
import { type Prediction, PREDICTION_STATUSES } from "./store.ts";

const time = z.iso.datetime();

/** A prediction as JSON. */
export const predictionSchema = z.object({
  id: z.string(),
  task: z.string(),
  model: z.string(),
  status: z.enum(PREDICTION_STATUSES),
  parameters: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
    .openapi({ description: "Every choice that was made: the same parameters make the same images" }),
  format: z.enum(FORMAT_NAMES).openapi({ description: "The format that its result has by default" }),
  progress: z.object({ done: z.int(), total: z.int() }).nullable()
    .openapi({ description: "Steps done over all its images, of those they take together" }),
  createdAt: time,
  startedAt: time.nullable(),
  endedAt: time.nullable(),
  expiresAt: time.nullable().openapi({ description: "When it is removed at the latest; null while it is under way" }),
  error: problemSchema.nullable().openapi({ description: "Why it failed" }),
  urls: z.object({ self: z.string(), events: z.string(), result: z.string(), cancel: z.string() }),
}).openapi("Prediction", {
  example: {
    id: "7c4ee3f0-3a35-4a4c-9a52-6bd2e1d9f1b0",
    task: "generate",
    model: "digits",
    status: "running",
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

/** Says where a prediction stands, as JSON. */
export const predictionDocument = (
  { id, head, running, format, createdAt, end }: Prediction,
  expiry: Date | null,
): z.output<typeof predictionSchema> => ({
  id,
  task: head.task,
  model: head.model,
  status: end?.outcome.status ?? (running.startedAt ? "running" : "waiting"),
  parameters: { ...head.parameters },
  format,
  progress: running.progress,
  createdAt: createdAt.toISOString(),
  startedAt: running.startedAt?.toISOString() ?? null,
  endedAt: end?.at.toISOString() ?? null,
  expiresAt: expiry?.toISOString() ?? null,
  error: end?.outcome.status === "failed" ? end.outcome.problem : null,
  urls: {
    self: `/predictions/${id}`,
    events: `/predictions/${id}/events`,
    result: `/predictions/${id}/result`,
    cancel: `/predictions/${id}/cancel`,
  },
});
