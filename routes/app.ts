/**
 * The HTTP API: what is answered where. A file beside this one is a resource, named as its path is (page.ts is `/` and
 * `/page/…`, docs.ts is `/docs` and `/openapi.json`), and a folder of its name holds what lies behind it; the six paths
 * that draw images are drawing/. What knows no resource is in http/ (how any request is let in, read, refused, answered
 * and logged) and in codec/ (images encoded and decoded on another thread). This file lists the resources, entrance.ts
 * lets requests in, server.ts listens. Drawing itself is serving/, training is jobs/.
 */
import type { OpenAPIHono, z } from "@hono/zod-openapi";
import type { Jobs } from "../jobs/jobs.ts";
import type { RunStorage } from "../jobs/storage/storage.ts";
import type { ModelInfo } from "../sampling/loaded_model.ts";
import type { Serving } from "../serving/serving.ts";
import type { Codec } from "./codec/codec.ts";
import { docsRoute } from "./docs.ts";
import { drawingRoutes } from "./drawing.ts";
import { healthRoutes } from "./health.ts";
import { createClients } from "./http/clients.ts";
import { type Arrival, createFrame, type FrameOptions } from "./http/frame.ts";
import type { ApiKey } from "./http/rights.ts";
import type { Limits } from "./http/limits.ts";
import type { Log } from "./http/log.ts";
import { problem } from "./http/problem.ts";
import { jobRoutes } from "./jobs.ts";
import type { JobDependencies } from "./jobs/job.ts";
import { createMetrics, metricsRoute } from "./metrics.ts";
import { addModel } from "./models/add.ts";
import type { ModelSource } from "./models/describe.ts";
import { modelFileRoutes } from "./models/files.ts";
import type { ModelSnapshots } from "./models/snapshots.ts";
import { openapiRoute } from "./openapi.ts";
import { answerPage, indexRoute, pageFiles, wantsPage } from "./page.ts";
import type { PredictionStore } from "./predictions/store.ts";

const residentBytes = () => Deno.memoryUsage().rss;

/** The application while the models are being loaded: it lives, shows the page, and can do nothing else yet. */
export const createStartingApp = (options: FrameOptions): OpenAPIHono => {
  const app = createFrame(options);
  healthRoutes(app, () => null, residentBytes);
  pageFiles(app);
  app.get("/", (c, next) => wantsPage(c) ? answerPage(c) : next());
  app.all("*", (c) => {
    const { refusal } = c.env as Arrival;
    if (refusal) throw refusal;
    return problem(c, 503, "the models are being loaded", { headers: { "retry-after": "2" } });
  });
  return app;
};

/** What the routes need. */
export interface AppDependencies {
  readonly serving: Serving;
  readonly jobs: Jobs;
  /** Refuses a job that would take more than it may. */
  readonly checkNeeds: JobDependencies["checkNeeds"];
  /** Brings here what other machines train; null where all runs lie here. */
  readonly storage: Pick<RunStorage, "fetch"> | null;
  /** Models of checkpoints that are served. */
  readonly snapshots: ModelSnapshots;
  /** Options of `train` that may come over HTTP. */
  readonly trainingOptions: z.ZodObject;
  readonly limits: Limits;
  /** Who may do what; all may do all where there are none. */
  readonly keys: readonly ApiKey[];
  /** Names that the server goes by, beside those of loopback. @default none */
  readonly hosts?: readonly string[];
  /** Origins of pages elsewhere that may read answers. */
  readonly origins: readonly string[];
  readonly log: Log;
  readonly predictions: PredictionStore;
  /** Encodes and decodes images; two, so that an image that is sent never holds up one that is answered. */
  readonly encoder: Codec;
  readonly decoder: Codec;
  /** Aborts when the server stops: whatever is under way is given up. */
  readonly stopping: AbortSignal;
}

/** The HTTP application. Every error that it answers with is problem+json. */
export const createApp = ({ trainingOptions, hosts, origins, ...deps }: AppDependencies): OpenAPIHono => {
  const { serving, predictions, limits, keys, log } = deps;
  const metrics = createMetrics(serving, predictions, {
    encoder: () => deps.encoder.heap,
    decoder: () => deps.decoder.heap,
  }, log);
  const app = createFrame({ log, hosts, origins, wrongKeys: limits.wrongKeys, onAnswered: metrics.onAnswered });
  const drawing = {
    ...deps,
    clients: createClients(limits.concurrent),
    readers: createClients(limits.concurrent),
    onStream: metrics.onStream,
  };

  const training = { ...drawing, sources: new WeakMap<ModelInfo, ModelSource>(), options: trainingOptions };

  const mount = (app: OpenAPIHono) => {
    drawingRoutes(app, { ...training, addModel: addModel(training), residentBytes });
    modelFileRoutes(app, { serving, keys });
    jobRoutes(app, training);
    metricsRoute(app, metrics, { keys });
  };
  indexRoute(app, { serving, limits });
  pageFiles(app);
  mount(app);
  openapiRoute(app, { keys, serving, mount });
  docsRoute(app);
  return app;
};
