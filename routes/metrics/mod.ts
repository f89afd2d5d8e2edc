import { type OpenAPIHono, z } from "@hono/zod-openapi";
import { Registry } from "prom-client";
import type { Serving } from "../../serving/serving.ts";
import type { ApiKey } from "../access/keys.ts";
import type { Predictions } from "../predictions/store.ts";
import { resource } from "../resource.ts";
import { measureModels } from "./model_metrics.ts";
import { type Heaps, measureServer, type ServerMetrics } from "./server_metrics.ts";

/** What is measured for Prometheus. */
export interface Metrics extends ServerMetrics {
  readonly registry: Registry;
}

/** Makes the metrics of a server; `heaps` are those of its other Workers. */
export const createMetrics = (serving: Serving, predictions: Predictions, heaps: Heaps): Metrics => {
  const registry = new Registry();
  measureModels(serving, registry);
  return { registry, ...measureServer(predictions, { ...heaps, sampling: () => serving.heap }, registry) };
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
