import type { OpenAPIHono, z } from "@hono/zod-openapi";
import type { Jobs } from "../jobs/jobs.ts";
import type { RunStorage } from "../jobs/storage/storage.ts";
import type { ModelInfo } from "../sampling/loaded_model.ts";
import type { Serving } from "../serving/serving.ts";
import { createClients } from "./access/clients.ts";
import type { ApiKey } from "./access/keys.ts";
import type { Log } from "./access/log.ts";
import type { Codec } from "./codec/client.ts";
import { docsRoute } from "./docs.ts";
import { drawingResource } from "./drawing/resource.ts";
import { createFrame } from "./frame.ts";
import { healthRoutes } from "./health.ts";
import { indexRoute } from "./index.ts";
import { jobRoutes } from "./jobs.ts";
import type { Limits } from "./limits.ts";
import { createMetrics, metricsRoute } from "./metrics/mod.ts";
import { modelRoutes } from "./models.ts";
import type { KeptModels } from "./models/kept_models.ts";
import type { ModelSource } from "./models/schema.ts";
import { openapiRoute } from "./openapi.ts";
import { pageFiles } from "./page.ts";
import { predictionRoutes } from "./predictions.ts";
import type { Predictions } from "./predictions/store.ts";
import { scheduleRoutes } from "./schedules.ts";
import { forward, forwardOfDrawn } from "./tasks/forward.ts";
import { generate } from "./tasks/generate.ts";
import { img2img } from "./tasks/img2img.ts";
import { inpaint } from "./tasks/inpaint.ts";
import { interpolate } from "./tasks/interpolate.ts";
import { reconstruct } from "./tasks/reconstruct.ts";

/** What the routes stand on. */
export interface AppDependencies {
  readonly serving: Serving;
  readonly jobs: Jobs;
  /** Brings here what other machines train; null where all runs lie here. */
  readonly storage: Pick<RunStorage, "fetch"> | null;
  /** Models of checkpoints that are served. */
  readonly kept: KeptModels;
  /** Options of `train` that may come over HTTP. */
  readonly trainingOptions: z.ZodObject;
  readonly limits: Limits;
  /** Who may do what; all may do all where there are none. */
  readonly keys: readonly ApiKey[];
  /** Origins of pages elsewhere that may read answers. */
  readonly origins: readonly string[];
  readonly log: Log;
  readonly predictions: Predictions;
  /** Encodes and decodes images; two, so that an image that is sent never holds up one that is answered. */
  readonly encoder: Codec;
  readonly decoder: Codec;
  /** Aborts when the server stops: whatever is under way is given up. */
  readonly stopping: AbortSignal;
}

/** The HTTP application. Every error that it answers with is problem+json. */
export const createApp = ({ trainingOptions, origins, ...deps }: AppDependencies): OpenAPIHono => {
  const { serving, predictions, limits, keys, log } = deps;
  const metrics = createMetrics(serving, predictions, {
    encoder: () => deps.encoder.heap,
    decoder: () => deps.decoder.heap,
  });
  const app = createFrame({ log, origins, onAnswered: metrics.onAnswered });
  const drawing = { ...deps, clients: createClients(limits.concurrent), onStream: metrics.onStream };

  const training = { ...drawing, sources: new WeakMap<ModelInfo, ModelSource>(), options: trainingOptions };

  const mount = (app: OpenAPIHono) => {
    drawingResource(app, "/generate", { get: generate, post: generate }, drawing);
    drawingResource(app, "/img2img", { post: img2img }, drawing);
    drawingResource(app, "/inpaint", { post: inpaint }, drawing);
    drawingResource(app, "/interpolate", { post: interpolate }, drawing);
    drawingResource(app, "/reconstruct", { post: reconstruct }, drawing);
    drawingResource(app, "/forward", { get: forwardOfDrawn, post: forward }, drawing);
    predictionRoutes(app, [generate, img2img, inpaint, interpolate, reconstruct, forward], drawing);
    modelRoutes(app, training);
    scheduleRoutes(app, { keys });
    jobRoutes(app, training);
    healthRoutes(app, () => serving);
    metricsRoute(app, metrics, { keys });
  };
  indexRoute(app, serving);
  pageFiles(app);
  mount(app);
  openapiRoute(app, { keys, serving, mount });
  docsRoute(app);
  return app;
};
