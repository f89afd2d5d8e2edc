import type { z } from "@hono/zod-openapi";
import type { CloseOptions, Jobs } from "../jobs/jobs.ts";
import type { RunStorage } from "../jobs/storage/storage.ts";
import type { ModelInfo } from "../sampling/loaded_model.ts";
import { openServing } from "../serving/client.ts";
import type { ServingOptions } from "../serving/serving.ts";
import { createApp } from "./app.ts";
import { createCodec } from "./codec/codec.ts";
import { createEntrance } from "./entrance.ts";
import { parseHostName } from "./http/hosts.ts";
import type { ApiKey } from "./http/rights.ts";
import { LIMITS, type Limits } from "./http/limits.ts";
import type { Deadlines } from "./http/exchange.ts";
import { listen, type Listener } from "./http/listen.ts";
import { createLog, type Log } from "./http/log.ts";
import type { JobDependencies } from "./jobs/job.ts";
import { logUnheeded } from "./models/add.ts";
import { RUNS } from "./models/checkpoints.ts";
import { createModelSnapshots } from "./models/snapshots.ts";
import { createPredictionStore } from "./predictions/store.ts";

/** Milliseconds that answers under way may take to go out when the server closes. */
const GRACE = 5000;

/** A server that listens, with its models warm. */
export interface Server {
  /** Where it listens, as `http://127.0.0.1:8000`. */
  readonly origin: string;
  /** The default model first. */
  readonly models: readonly ModelInfo[];
  /** Takes no more requests, gives up those under way, stops the jobs gracefully, ends the workers. */
  close(jobs?: CloseOptions): Promise<void>;
}

/** Where to listen, and for whom. */
export interface ServerOptions extends ServingOptions {
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  /** Options of `train` that may come over HTTP. */
  readonly trainingOptions: z.ZodObject;
  readonly jobs: Jobs;
  /** Refuses a job that would take more than it may. @default none is refused */
  readonly checkNeeds?: JobDependencies["checkNeeds"];
  /** Brings here what other machines train. @default null: all runs lie here */
  readonly storage?: Pick<RunStorage, "fetch"> | null;
  readonly limits?: Partial<Limits>;
  /** Who may do what; all may do all where there are none. */
  readonly keys?: readonly ApiKey[];
  /** Names that it goes by, beside those of loopback and `host`; of `parseHostName`. @default none */
  readonly hosts?: readonly string[];
  /** Origins of pages elsewhere that may read answers; `*` is all. */
  readonly origins?: readonly string[];
  readonly log?: Log;
  /** What clients may take their time for. */
  readonly deadlines?: Deadlines;
  /** Aborts when the server is to be closed: nobody waits any longer for models that are being loaded. */
  readonly signal?: AbortSignal;
}

/** An address in a URL: IPv6 in brackets. */
const originOf = ({ hostname, port }: Listener["addr"]): string =>
  `http://${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`;

/**
 * Listens, then loads and warms the models. Until that is done, `/health` says that it lives, what draws waits, and all
 * else is 503.
 *
 * @throws {ModelError} (by name) if a model is missing or damaged
 * @throws {Deno.errors.AddrInUse} if another program has the port
 */
export const openServer = async (
  {
    host,
    port,
    trainingOptions,
    jobs,
    checkNeeds = () => Promise.resolve(),
    storage = null,
    limits: some,
    keys = [],
    hosts: names = [],
    origins = [],
    log = createLog("off"),
    deadlines,
    signal,
    ...start
  }: ServerOptions,
): Promise<Server> => {
  const limits = { ...LIMITS, ...some };
  const hosts = [...names, parseHostName(host) ?? host];
  const stopping = new AbortController();
  const entrance = createEntrance({ log, hosts, origins, seconds: limits.seconds });
  signal?.addEventListener("abort", entrance.fail, { once: true });
  if (signal?.aborted) entrance.fail();
  const { connections: most, seconds } = limits;
  const listener = await listen(entrance.fetch, { host, port, most, seconds, deadlines, log });
  const serving = await openServing(start).catch(async (error) => {
    entrance.fail();
    await listener.close(GRACE);
    throw error;
  });
  for (const model of serving.models) logUnheeded(log, model);
  const snapshots = createModelSnapshots(RUNS);
  serving.onUnloaded = snapshots.remove;
  const predictions = createPredictionStore(limits);
  const [encoder, decoder] = [createCodec(), createCodec()];
  // The first answer is not to wait for the worker to start.
  encoder.for({ client: "", signal: stopping.signal })
    .run("encodePicture", new Uint8Array(1), { height: 1, width: 1, channels: 1 }).catch(() => {});
  entrance.open(createApp({
    serving,
    jobs,
    checkNeeds,
    storage,
    snapshots,
    trainingOptions,
    limits,
    keys,
    hosts,
    origins,
    log,
    predictions,
    encoder,
    decoder,
    stopping: stopping.signal,
  }));
  return {
    origin: originOf(listener.addr),
    models: serving.models,
    close: async (options) => {
      stopping.abort();
      await Promise.all([listener.close(GRACE), jobs.close(options)]);
      predictions.close();
      encoder.close();
      decoder.close();
      await serving.close();
      await snapshots.close();
    },
  };
};
