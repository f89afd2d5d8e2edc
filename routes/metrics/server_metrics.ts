import { Gauge, Histogram, type Registry } from "prom-client";
import { type Heap, readHeap } from "../../serving/heap.ts";
import type { Answered } from "../access/access_log.ts";
import type { Predictions } from "../predictions/store.ts";

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
export const measureServer = (predictions: Predictions, heaps: Heaps, registry: Registry): ServerMetrics => {
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
