import { type OpenAPIHono, z } from "@hono/zod-openapi";
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { type Heap, readHeap } from "../serving/heap.ts";
import type { ModelStats, Serving } from "../serving/serving.ts";
import type { Answered } from "./http/frame.ts";
import type { ApiKey } from "./http/rights.ts";
import type { Log } from "./http/log.ts";
import { resource } from "./http/resource.ts";
import type { PredictionStore } from "./predictions/store.ts";

const STEP_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const OUTCOMES = ["finished", "aborted", "expired", "failed", "refused"] as const;

/** Measures the models and their engine. What the scheduler counts itself is read when it is asked for. */
const measureModels = (serving: Serving, registry: Registry): void => {
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
  perModel(
    Gauge,
    "denoise_queued_rows",
    "Rows of network calls that are still to be done, at most",
    ({ left }) => left,
  );
  perModel(Gauge, "denoise_queue_limit_rows", "Rows that may be asked for and not done", ({ queue }) => queue);
  perModel(Gauge, "denoise_waiting_clients", "Clients whose images are under way", ({ clients }) => clients);
  perModel(Counter, "denoise_batches_total", "Network calls", ({ batches }) => batches);
  perModel(Counter, "denoise_rows_total", "Rows that network calls were asked for", ({ rows }) => rows);
  perModel(Counter, "denoise_padding_rows_total", "Rows that network calls were padded with", ({ padding }) => padding);
  perModel(Counter, "denoise_engine_seconds_total", "Seconds of network calls", ({ engineSeconds }) => engineSeconds);
  new Counter({
    name: "denoise_tasks_total",
    help:
      "Requests for images by how they ended; aborted: called off, or the client went away; expired: past timeoutSeconds",
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
  const [{ capacity }] = serving.stats;
  serving.onBatch = ({ model, rows, seconds }) => {
    steps.observe({ model }, seconds);
    occupancy.observe({ model }, rows / capacity);
  };

  new Gauge({
    name: "denoise_models",
    help: "Models that are loaded",
    registers,
    collect() {
      this.set(serving.models.length);
    },
  });
  new Gauge({
    name: "denoise_engine_bytes",
    help: "Bytes of the tensors that the models hold on the engine, as the last change of the models left them",
    registers,
    collect() {
      this.set(serving.memory.bytes);
    },
  });
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
};

const REQUEST_SECONDS = [0.005, 0.025, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300];
const METHODS = new Set(["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"]);

/** What tells of events that are counted as they happen. */
export interface ServerMetrics {
  onAnswered(answered: Answered): void;
  /** Told of each event stream, with 1 at its start and −1 at its end. */
  onStream(change: 1 | -1): void;
}

/** What tells of the heaps of Workers, by the names of their threads. */
export type Heaps = Readonly<Record<string, () => Heap | null>>;

/** Measures the server: its requests, what it keeps, and its memory. */
const measureServer = (predictions: PredictionStore, heaps: Heaps, log: Log, registry: Registry): ServerMetrics => {
  const registers = [registry];
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
    help: "Memory of the process; its heap is the one of the thread that answers requests",
    registers,
    labelNames: ["kind"],
    collect() {
      const { rss, heapTotal, heapUsed, external } = Deno.memoryUsage();
      for (const [kind, bytes] of Object.entries({ rss, heap_total: heapTotal, heap_used: heapUsed, external })) {
        this.set({ kind }, bytes);
      }
    },
  });
  const threads: Heaps = { http: readHeap, ...heaps };
  new Gauge({
    name: "denoise_heap_bytes",
    help: "JavaScript heap of each thread, as it last told; used: garbage that is not yet collected is among it",
    registers,
    labelNames: ["thread", "kind"],
    collect() {
      this.reset();
      for (const [thread, heap] of Object.entries(threads)) {
        for (const [kind, bytes] of Object.entries(heap() ?? {})) this.set({ thread, kind }, bytes);
      }
    },
  });
  new Counter({
    name: "denoise_log_lines_dropped_total",
    help: "Lines of the log that were left out, since nobody read those before them",
    registers,
    collect() {
      this.reset();
      this.inc(log.dropped());
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
    onAnswered: ({ method, route, status, seconds }) =>
      requests.observe({ method: METHODS.has(method) ? method : "other", route, status }, seconds),
    onStream: (change) => streams.inc(change),
  };
};

/** What is measured for Prometheus. */
interface Metrics extends ServerMetrics {
  readonly registry: Registry;
}

/** Makes the metrics of a server; `heaps` are those of its other Workers. */
export const createMetrics = (serving: Serving, predictions: PredictionStore, heaps: Heaps, log: Log): Metrics => {
  const registry = new Registry();
  measureModels(serving, registry);
  return { registry, ...measureServer(predictions, { ...heaps, sampling: () => serving.heap }, log, registry) };
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
