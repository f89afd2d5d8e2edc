import { z } from "zod";
import { createQueue } from "../../jobs/queue/queue.ts";
import { createLog } from "../../routes/access/log.ts";
import { createApp } from "../../routes/app.ts";
import { createCodec } from "../../routes/codec/client.ts";
import { LIMITS } from "../../routes/limits.ts";
import { createKeptModels } from "../../routes/models/kept_models.ts";
import { createPredictions } from "../../routes/predictions/store.ts";
import type { SamplingRequest } from "../../sampling/request.ts";
import type { Serving } from "../../serving/serving.ts";

/** A way to ask a model for images. */
export interface Way {
  readonly name: "worker" | "http";
  draw(n: number, steps: number): Promise<unknown>;
  close(): Promise<void>;
}

/** A request of the first model for `n` images, one of each class in turn. */
export const requestFor = ({ models: [info] }: Serving, n: number, steps: number, seed = 1): SamplingRequest => {
  const labels = info.labels === null ? null : Array.from({ length: n }, (_, i) => i % info.labels!.length);
  return { kind: "generate", sampling: { n, seed, sampler: "ddpm", steps, guidance: 1, labels } };
};

/** Asks the Worker itself, and hears of every step. */
export const byWorker = (serving: Serving): Way => ({
  name: "worker",
  draw: (n, steps) => serving.run(serving.models[0].name, requestFor(serving, n, steps), { onEvent: () => {} }),
  close: () => Promise.resolve(),
});

/** Asks over HTTP for a PNG; client and server share this thread. */
export const byHttp = (serving: Serving): Way => {
  const stopping = new AbortController();
  const predictions = createPredictions(LIMITS);
  const [encoder, decoder] = [createCodec(), createCodec()];
  // Neither is opened before it is asked for something.
  const jobs = createQueue({ workers: 0 });
  const kept = createKeptModels("runs");
  const app = createApp({
    serving,
    jobs,
    storage: null,
    kept,
    trainingOptions: z.strictObject({}),
    limits: LIMITS,
    keys: [],
    origins: [],
    log: createLog("off"),
    predictions,
    encoder,
    decoder,
    stopping: stopping.signal,
  });
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, app.fetch);
  return {
    name: "http",
    draw: async (n, steps) => {
      const response = await fetch(`http://127.0.0.1:${server.addr.port}/generate?n=${n}&steps=${steps}&seed=1`);
      const body = await response.bytes();
      if (!response.ok) throw new Error(new TextDecoder().decode(body));
    },
    close: async () => {
      stopping.abort();
      await server.shutdown();
      predictions.close();
      await jobs.close();
      await kept.close();
      encoder.close();
      decoder.close();
    },
  };
};
