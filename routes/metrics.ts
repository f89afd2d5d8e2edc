import type { OpenAPIHono } from "@hono/zod-openapi";
import { z } from "@hono/zod-openapi";
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { ModelStats, Serving } from "../serving/serving.ts";
import type { Answered } from "./access/access_log.ts";
import type { ApiKey } from "./access/keys.ts";
import type { Predictions } from "./predictions/store.ts";
import { resource } from "./resource.ts";

/** What is counted for Prometheus. */
export interface Metrics {
  readonly registry: Registry;
  onAnswered(answered: Answered): void;
  onStream(change: 1 | -1): void;
}

const STEP_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const REQUEST_SECONDS = [0.005, 0.025, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300];
const OUTCOMES = ["finished", "aborted", "expired", "failed", "refused"] as const;

const METHODS = new Set(["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"]);

/** Makes the metrics of a server. What the scheduler counts itself is read when it is asked for. */
export const createMetrics = (serving: Serving, predictions: Predictions): Metrics => {
  const registry = new Registry();
  const registers = [registry];

  const perModel = (
    Kind: typeof Gauge | typeof Counter,
    name: string,
    help: string,
    of: (stats: ModelStats) => number,
  ) =>
    new Kind({
      name,
      help,
      registers,
      labelNames: ["model"],
      collect() {
        this.reset();
        for (const stats of serving.stats) this.inc({ model: stats.model }, of(stats));
      },
    });
  perModel(Gauge, "denoise_live_images", "Images that have begun and are not done", ({ live }) => live);
  perModel(Gauge, "denoise_waiting_images", "Images that have not begun", ({ waiting }) => waiting);
  perModel(Gauge, "denoise_capacity_rows", "Rows of one network call", ({ capacity }) => capacity);
  perModel(Gauge, "denoise_queue_images", "Images that may be asked for and not done", ({ queue }) => queue);
  perModel(Counter, "denoise_batches_total", "Network calls", ({ batches }) => batches);
  perModel(Counter, "denoise_rows_total", "Rows that network calls were asked for", ({ rows }) => rows);
  perModel(Counter, "denoise_padding_rows_total", "Rows that network calls were padded with", ({ padding }) => padding);
  perModel(Counter, "denoise_engine_seconds_total", "Seconds of network calls", ({ engineSeconds }) => engineSeconds);
  new Counter({
    name: "denoise_tasks_total",
    help:
      "Requests for images by how they ended; aborted: called off, or the client went away; expired: past timeout_s",
    registers,
    labelNames: ["model", "outcome"],
    collect() {
      this.reset();
      for (const stats of serving.stats) {
        for (const outcome of OUTCOMES) this.inc({ model: stats.model, outcome }, stats[outcome]);
      }
    },
  });

  const steps = new Histogram({
    name: "denoise_step_seconds",
    help: "Seconds of a step: the network call, noise and the samplers' arithmetic",
    registers,
    labelNames: ["model"],
    buckets: STEP_SECONDS,
  });
  const occupancy = new Histogram({
    name: "denoise_batch_occupancy",
    help: "Rows of a network call that were asked for, of those the model has capacity for",
    registers,
    labelNames: ["model"],
    buckets: [0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 1],
  });
  const capacities = new Map(serving.stats.map(({ model, capacity }) => [model, capacity]));
  serving.onBatch = ({ model, rows, seconds }) => {
    steps.observe({ model }, seconds);
    occupancy.observe({ model }, rows / capacities.get(model)!);
  };

  new Gauge({
    name: "denoise_ready",
    help: "1 if images can be drawn",
    registers,
    collect() {
      this.set(serving.state === "ready" ? 1 : 0);
    },
  });
  new Counter({
    name: "denoise_engine_restarts_total",
    help: "Restarts of the engine's worker",
    registers,
    collect() {
      this.reset();
      this.inc(serving.restarts);
    },
  });
  new Gauge({
    name: "denoise_predictions",
    help: "Predictions under way and kept",
    registers,
    collect() {
      this.set(predictions.all.length);
    },
  });
  new Gauge({
    name: "denoise_predictions_bytes",
    help: "Bytes of the predictions that are kept",
    registers,
    collect() {
      this.set(predictions.bytes);
    },
  });
  new Gauge({
    name: "denoise_memory_bytes",
    help: "Memory of the process",
    registers,
    labelNames: ["kind"],
    collect() {
      const { rss, heapTotal, heapUsed, external } = Deno.memoryUsage();
      for (const [kind, bytes] of Object.entries({ rss, heap_total: heapTotal, heap_used: heapUsed, external })) {
        this.set({ kind }, bytes);
      }
    },
  });
  const streams = new Gauge({ name: "denoise_event_streams", help: "Event streams that are open", registers });
  const requests = new Histogram({
    name: "denoise_request_seconds",
    help: "Seconds from a request to the last byte of its answer",
    registers,
    labelNames: ["method", "route", "status"],
    buckets: REQUEST_SECONDS,
  });

  return {
    registry,
    onAnswered: ({ method, route, status, seconds }) =>
      requests.observe({ method: METHODS.has(method) ? method : "other", route, status }, seconds),
    onStream: (change) => streams.inc(change),
  };
};

/** `/metrics`, in the text format of Prometheus. */
export const metricsRoute = (app: OpenAPIHono, { registry }: Metrics, { keys }: { keys: readonly ApiKey[] }): void =>
  resource(app, "/metrics", {
    get: {
      id: "metrics",
      summary: "Measurements for Prometheus",
      responses: { 200: { description: "All of them", content: { "text/plain": { schema: z.string() } } } },
      answer: async (c) => c.body(await registry.metrics(), 200, { "content-type": registry.contentType }),
    },
  }, { keys, right: "metrics", tag: "Server" });
