import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import type { ModelStats, Serving } from "../../serving/serving.ts";

const STEP_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const OUTCOMES = ["finished", "aborted", "expired", "failed", "refused"] as const;

/** Measures the models and their engine. What the scheduler counts itself is read when it is asked for. */
export const measureModels = (serving: Serving, registry: Registry): void => {
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
