import type { z } from "zod";
import { engineOptions } from "../../engine/options.ts";
import { exists } from "../../files/exists.ts";
import { createQueue, QUEUE_FOLDER } from "../../jobs/queue/queue.ts";
import { type ApiKey, parseKeys } from "../../routes/http/keys.ts";
import { createLog } from "../../routes/http/log.ts";
import { openServer, type Server } from "../../routes/server.ts";
import type { ModelInfo } from "../../sampling/loaded_model.ts";
import { remoteTrainOptions } from "../../training/recipe.ts";
import { UsageError } from "../cli/command.ts";
import { listenForInterrupt } from "../cli/interrupt.ts";
import { databaseUrl, runStorage } from "../cli/job_storage.ts";
import type { serveOptions } from "../serve.ts";

/**
 * The keys that DENOISE_API_KEYS holds.
 *
 * @throws {UsageError} if they cannot be parsed
 * @throws {Deno.errors.NotCapable} if the variable may not be read: whether there are keys must not be guessed
 */
const apiKeys = (): ApiKey[] => {
  try {
    return parseKeys(Deno.env.get("DENOISE_API_KEYS") ?? "");
  } catch (cause) {
    if (cause instanceof SyntaxError) throw new UsageError(cause.message, { cause });
    throw cause;
  }
};

type Options = z.output<typeof serveOptions>;

const MEGABYTE = 2 ** 20;

const checkOrigins = (origins: readonly string[]): void => {
  for (const origin of origins) {
    if (origin === "*" || (URL.canParse(origin) && new URL(origin).origin === origin)) continue;
    throw new UsageError(`--cors must be origins, as https://example.org, or *, received ${JSON.stringify(origin)}`);
  }
};

const open = async (options: Options, signal: AbortSignal): Promise<Server> => {
  const { model: models, host, port, engine, capacity, deterministic, queue, cors: origins } = options;
  checkOrigins(origins);
  const { tensorflow, xla, device, threads } = options;
  // Jobs run where the models do, unless they ask for another engine.
  const trainingOptions = remoteTrainOptions.safeExtend({ engine: engineOptions.engine.default(engine) });
  const log = createLog(options.log);
  const storage = await runStorage(options.storage);
  const url = databaseUrl();
  const jobs = createQueue({
    url,
    storage,
    tensorflow,
    workers: options.workers,
    warn: (message) => log.error("jobs", { reason: message }),
  });
  try {
    const server = await openServer({
      models,
      host,
      port,
      engine,
      tensorflow,
      xla,
      device,
      threads,
      capacity,
      deterministic,
      queue,
      origins,
      limits: {
        images: options.maxImages,
        steps: options.maxSteps,
        seconds: options.timeout,
        connections: options.maxConnections,
        concurrent: options.maxConcurrent,
        imageBytes: Math.round(options.maxUpload * MEGABYTE),
        retainedSeconds: options.keepResults,
        retainedBytes: Math.round(options.keepMegabytes * MEGABYTE),
      },
      keys: apiKeys(),
      log,
      signal,
      trainingOptions,
      jobs,
      ...(options.storage ? { storage } : {}),
    });
    // Jobs that wait go on. Where there never were any, nothing is opened.
    if (url !== undefined || await exists(QUEUE_FOLDER)) jobs.start();
    return server;
  } catch (cause) {
    if (cause instanceof Deno.errors.AddrInUse) {
      throw new UsageError(`port ${port} of ${host} is in use by another program; --port picks another`, { cause });
    }
    if (cause instanceof Deno.errors.AddrNotAvailable) {
      throw new UsageError(`--host must be an address of this machine, received ${JSON.stringify(host)}`, { cause });
    }
    throw cause;
  }
};

const describe = ({ name, folder, height, width, labels, timesteps }: ModelInfo, count: number): string => {
  const classes = labels ? `, ${labels.length} classes` : "";
  const called = count === 1 ? "" : ` as ${name}`;
  return `${folder}${called} (${height}×${width}${classes}, T = ${timesteps})`;
};

/**
 * Serves until Ctrl-C or SIGTERM, then ends gracefully: requests are given up, jobs write a checkpoint. A second Ctrl-C
 * ends at once.
 *
 * @returns 0
 * @throws {UsageError} if it cannot listen there
 * @throws {ModelError} (by name) if a model is missing or damaged
 */
export const runServe = async (options: Options): Promise<number> => {
  const interrupt = listenForInterrupt();
  const stopped = new Promise((resolve) => interrupt.signal.addEventListener("abort", resolve, { once: true }));
  const started = performance.now();
  const { origin, models, close } = await open(options, interrupt.signal);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const [{ engine, timesteps }] = models;
  console.log(`${origin} serves ${models.map((model) => describe(model, models.length)).join(", ")}`);
  console.log(`engine ${engine.name} ${engine.version}: ${engine.device}; warm in ${seconds} s`);
  console.log(`curl -o a.png "${origin}/generate?steps=${timesteps}"`);

  await stopped;
  interrupt[Symbol.dispose]();
  console.log("stopping");
  await close({ grace: options.stopTimeout * 1000, say: console.log });
  return 0;
};
