import { z } from "zod";
import { createQueue } from "../../jobs/queue/queue.ts";
import { createApp } from "../../routes/app.ts";
import { createCodec } from "../../routes/codec/codec.ts";
import { LIMITS } from "../../routes/http/limits.ts";
import { createLog } from "../../routes/http/log.ts";
import { createModelSnapshots } from "../../routes/models/snapshots.ts";
import { createPredictionStore } from "../../routes/predictions/store.ts";
import type { SamplingRequest } from "../../sampling/request.ts";
import type { Serving } from "../../serving/serving.ts";
import { median } from "../median.ts";

/** A way to ask a model for images. */
export interface DrawingWay {
  readonly name: "worker" | "http";
  draw(n: number, steps: number): Promise<unknown>;
  close(): Promise<void>;
}

/** A request of the first model for `n` images, one of each class in turn. */
const requestFor = ({ models: [info] }: Serving, n: number, steps: number, seed = 1): SamplingRequest => {
  const labels = info.labels === null ? null : Array.from({ length: n }, (_, i) => i % info.labels!.length);
  return { kind: "generate", sampling: { n, seed, sampler: "ddpm", steps, guidance: 1, labels } };
};

/** Asks the Worker itself, and receives every step. */
export const byWorker = (serving: Serving): DrawingWay => ({
  name: "worker",
  draw: (n, steps) => serving.run(serving.models[0].name, requestFor(serving, n, steps), { onEvent: () => {} }),
  close: () => Promise.resolve(),
});

/** Asks over HTTP for a PNG; client and server share this thread. */
export const byHttp = (serving: Serving): DrawingWay => {
  const stopping = new AbortController();
  const predictions = createPredictionStore(LIMITS);
  const [encoder, decoder] = [createCodec(), createCodec()];
  // Neither is opened before it is asked for something.
  const jobs = createQueue({ workers: 0 });
  const snapshots = createModelSnapshots("runs");
  const app = createApp({
    serving,
    jobs,
    checkNeeds: () => Promise.resolve(),
    storage: null,
    snapshots,
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
      await snapshots.close();
      encoder.close();
      decoder.close();
    },
  };
};

const BEHIND_RUNS = 5;

/** Seconds of the long requests' time that are waited for; the rest is reckoned. */
const WAIT_SECONDS = 20;

/** How long ten steps take alone, and behind sixteen requests of 1000, in milliseconds; and how long those take. */
export const measureBehind = async (serving: Serving) => {
  const { name, timesteps } = serving.models[0];
  const steps = Math.min(1000, timesteps);
  const secondsOf = async (work: () => Promise<unknown>): Promise<number> => {
    const started = performance.now();
    await work();
    return (performance.now() - started) / 1000;
  };
  const short = () => secondsOf(() => serving.run(name, requestFor(serving, 1, 10, 2)));
  const several = async () => {
    const seconds: number[] = [];
    for (let i = 0; i < BEHIND_RUNS; i++) seconds.push(await short());
    return median(seconds);
  };

  const before = await several();
  const leaving = new AbortController();
  const { signal } = leaving;
  const begun = performance.now();
  const crowd = Array.from({ length: 16 }, (_, i) => serving.run(name, requestFor(serving, 1, steps, i), { signal }));
  await serving.run(name, requestFor(serving, 1, Math.min(20, steps), 3));
  const among = await several();

  const { rows, seconds } = serving.stats[0];
  const timer = Promise.withResolvers<void>();
  const id = setTimeout(timer.resolve, WAIT_SECONDS * 1000);
  await Promise.race([Promise.all(crowd), timer.promise]);
  clearTimeout(id);
  const done = serving.stats[0].rows - rows;
  const rate = done / (serving.stats[0].seconds - seconds);
  const left = Math.max(0, 16 * steps - done);
  const crowdSeconds = (performance.now() - begun) / 1000 + left / rate;
  leaving.abort();
  await Promise.allSettled(crowd);

  return {
    steps,
    aloneMilliseconds: 1000 * Math.min(before, await several()),
    behindMilliseconds: 1000 * among,
    longSecondsAbout: crowdSeconds,
  };
};

/** Seconds that a run takes about, and the steps that it has at most. */
const RUN_SECONDS = 3, MOST_STEPS = 100;
const OUTSIDE_RUNS = 5;

/** What a step takes, and how much of it is not the network's. */
export interface TimeOutside {
  readonly steps: number;
  /** Of a step, everything included. */
  readonly milliseconds: number;
  /** Percent of the time that is not spent in network calls. */
  readonly percent: number;
  /** The part of it that lies within the scheduler's steps: noise and samplers. */
  readonly percentInSteps: number;
}

/** Runs some work, and adds up what it took, in seconds: by the clock, in steps, and in network calls. */
const time = async (serving: Serving, work: () => Promise<unknown>) => {
  let [step, engine] = [0, 0];
  const { onBatch } = serving;
  serving.onBatch = (batch) => {
    step += batch.seconds;
    engine += batch.engineSeconds;
    onBatch?.(batch);
  };
  const started = performance.now();
  try {
    await work();
  } finally {
    serving.onBatch = onBatch;
  }
  return { wall: (performance.now() - started) / 1000, step, engine };
};

/** Measures what `rows` images of one request take outside the network: medians of several runs. */
export const measureOutside = async (serving: Serving, way: DrawingWay, rows: number): Promise<TimeOutside> => {
  await way.draw(rows, 5);
  const { wall } = await time(serving, () => way.draw(rows, 5));
  const steps = Math.max(10, Math.min(MOST_STEPS, Math.round(5 * RUN_SECONDS / wall)));
  const runs: Awaited<ReturnType<typeof time>>[] = [];
  for (let i = 0; i < OUTSIDE_RUNS; i++) runs.push(await time(serving, () => way.draw(rows, steps)));
  return {
    steps,
    milliseconds: 1000 * median(runs.map(({ wall }) => wall)) / steps,
    percent: 100 * median(runs.map(({ wall, engine }) => (wall - engine) / wall)),
    percentInSteps: 100 * median(runs.map(({ wall, step, engine }) => (step - engine) / wall)),
  };
};
