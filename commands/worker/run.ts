import type { z } from "zod";
import { JobsUnavailableError } from "../../jobs/jobs.ts";
import { createQueue } from "../../jobs/queue/queue.ts";
import { UsageError } from "../cli/command.ts";
import { listenForInterrupt } from "../cli/interrupt.ts";
import { databaseUrl, runStorage } from "../cli/job_storage.ts";
import type { workerOptions } from "../worker.ts";

/**
 * Runs jobs until Ctrl-C or SIGTERM: then their processes write checkpoints, and the jobs go on with other workers. A
 * second Ctrl-C ends at once.
 *
 * @returns 0
 * @throws {UsageError} if DATABASE_URL is not set, or the database refuses
 */
export const runWorker = async (
  { concurrency, runs, storage, stopTimeout, engine, tensorflow }: z.output<typeof workerOptions>,
): Promise<number> => {
  const url = databaseUrl();
  if (url === undefined) {
    throw new UsageError(
      "DATABASE_URL must name the database that servers and workers share; without one, a server runs its jobs itself",
    );
  }
  const interrupt = listenForInterrupt();
  const stopped = new Promise((resolve) => interrupt.signal.addEventListener("abort", resolve, { once: true }));
  const { host, pathname } = new URL(url);
  const queue = createQueue({
    url,
    runs,
    storage: await runStorage(storage),
    engine,
    tensorflow,
    workers: concurrency,
    warn: (message) => console.error(`warning: ${message}`),
  });
  try {
    await queue.list({ limit: 1 });
  } catch (cause) {
    if (!(cause instanceof JobsUnavailableError)) {
      throw new UsageError(`DATABASE_URL: ${(cause as Error).message}`, { cause });
    }
    // It may come up later.
    queue.start();
  }
  console.log(`takes jobs from ${host}${pathname}, ${concurrency} at a time, into ${runs}/`);
  await stopped;
  interrupt[Symbol.dispose]();
  console.log("stopping");
  await queue.close({ grace: stopTimeout * 1000, say: console.log });
  return 0;
};
