import type { z } from "zod";
import { engineOptions } from "../../engine/options.ts";
import { exists } from "../../files/exists.ts";
import { machineMemory } from "../../files/machine.ts";
import { createQueue, QUEUE_FOLDER } from "../../jobs/queue/queue.ts";
import { firstPath } from "../../routes/examples.ts";
import { parseHostName } from "../../routes/http/hosts.ts";
import { parseKeys } from "../../routes/http/keys.ts";
import type { ApiKey } from "../../routes/http/rights.ts";
import { createLog, formatLine, type Log } from "../../routes/http/log.ts";
import { RUNS } from "../../routes/models/checkpoints.ts";
import { openServer, type Server } from "../../routes/server.ts";
import type { ModelInfo } from "../../sampling/loaded_model.ts";
import { checkNeeds, machineLimits, needLimits } from "../../training/needs.ts";
import { remoteTrainOptions } from "../../training/recipe.ts";
import { UsageError } from "../cli/command.ts";
import { listenForInterrupt } from "../cli/interrupt.ts";
import { databaseUrl, runStorage } from "../cli/job_storage.ts";
import { describeDropped, writeLinesTo } from "../cli/line_writer.ts";
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

/**
 * The names that `--allow-host` holds.
 *
 * @throws {UsageError} if one is none
 */
const hostNames = (names: readonly string[]): string[] =>
  names.map((name) => {
    const parsed = parseHostName(name);
    if (parsed !== null) return parsed;
    throw new UsageError(
      "--allow-host must be names without a port, as example.org, or *.example.org for all below it, or *, " +
        `received ${JSON.stringify(name)}`,
    );
  });

const open = async (options: Options, log: Log, signal: AbortSignal): Promise<Server> => {
  const { model: models, host, port, engine, capacity, deterministic, queue, cors: origins } = options;
  checkOrigins(origins);
  const hosts = hostNames(options.allowHost);
  const { tensorflow, xla, device, threads } = options;
  // Jobs run where the models do, unless they ask for another engine.
  const trainingOptions = remoteTrainOptions.safeExtend({ engine: engineOptions.engine.default(engine) });
  const storage = await runStorage(options.storage);
  const url = databaseUrl();
  const { workers } = options;
  const given = needLimits({ memory: options.jobMemory, disk: options.jobDisk });
  // What other machines run is bounded by what they have, unless it is said here.
  const here = workers === 0 ? { memory: Infinity, disk: Infinity } : { memory: machineMemory() / workers };
  const jobs = createQueue({
    url,
    storage,
    tensorflow,
    workers,
    limits: given,
    grace: options.stopTimeout * 1000,
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
      hosts,
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
      checkNeeds: async (recipe, chosen) => {
        const limits = await machineLimits(RUNS, { ...here, ...given });
        await checkNeeds(recipe, limits, { given: chosen, tensorflow, signal });
      },
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

const serve = async (options: Options, log: Log, say: (line: string) => void): Promise<void> => {
  const interrupt = listenForInterrupt();
  const stopped = new Promise((resolve) => interrupt.signal.addEventListener("abort", resolve, { once: true }));
  const started = performance.now();
  const { origin, models, close } = await open(options, log, interrupt.signal);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const [{ engine }] = models;
  say(`${origin} serves ${models.map((model) => describe(model, models.length)).join(", ")}`);
  say(`engine ${engine.name} ${engine.version}: ${engine.device}; warm in ${seconds} s`);
  say(`curl -o a.png "${origin}${firstPath(models[0], { images: options.maxImages })}"`);

  await stopped;
  interrupt[Symbol.dispose]();
  say("stopping");
  await close({ grace: options.stopTimeout * 1000, say });
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
  const output = writeLinesTo("stdout", describeDropped);
  const errors = writeLinesTo("stderr", (dropped) => formatLine("error", describeDropped(dropped), { dropped }));
  try {
    await serve(options, createLog(options.log, errors.write, errors.dropped), output.write);
  } finally {
    await Promise.all([output.close(), errors.close()]);
  }
  return 0;
};
