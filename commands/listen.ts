import type { z } from "zod";
import { engineOptions } from "../engine/options.ts";
import { createJobs } from "../jobs/jobs.ts";
import { launchTraining } from "../jobs/launch.ts";
import { remoteTrainOptions } from "../jobs/options.ts";
import { openServer, type Server } from "../routes/server.ts";
import { listenForInterrupt } from "./interrupt.ts";
import type { serveOptions } from "./serve.ts";
import { UsageError } from "./usage_error.ts";

type Options = z.output<typeof serveOptions>;

const open = async ({ model, host, port, engine, tensorflow, xla }: Options): Promise<Server> => {
  // Jobs run where the model does, unless they ask for another engine.
  const trainingOptions = remoteTrainOptions.safeExtend({ engine: engineOptions.engine.default(engine) });
  const jobs = createJobs({ launch: (options, settings) => launchTraining(options, { ...settings, tensorflow }) });
  try {
    return await openServer({ folder: model, host, port, engine, tensorflow, xla, trainingOptions, jobs });
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

/**
 * Serves until Ctrl-C or SIGTERM, then ends gracefully: requests are given up, jobs write a checkpoint. A second Ctrl-C
 * ends at once.
 *
 * @returns 0
 * @throws {UsageError} if it cannot listen there
 * @throws {ModelError} (by name) if the model is missing or damaged
 */
export const listen = async (options: Options): Promise<number> => {
  const interrupt = listenForInterrupt();
  const stopped = new Promise((resolve) => interrupt.signal.addEventListener("abort", resolve, { once: true }));
  const started = performance.now();
  const { origin, info, close } = await open(options);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const { folder, height, width, labels, timesteps, engine } = info;
  const classes = labels ? `, ${labels.length} classes` : "";
  console.log(`${origin} serves ${folder} (${height}×${width}${classes}, T = ${timesteps})`);
  console.log(`engine ${engine.name} ${engine.version}: ${engine.device}; warm in ${seconds} s`);
  console.log(`curl -o a.png "${origin}/generate?steps=${timesteps}"`);

  await stopped;
  interrupt[Symbol.dispose]();
  console.log("stopping");
  await close();
  return 0;
};
