import type { z } from "zod";
import { JobsUnavailableError } from "../../jobs/jobs.ts";
import { createQueue } from "../../jobs/queue/queue.ts";
import { needLimits } from "../../training/needs.ts";
import { UsageError } from "../cli/command.ts";
import { listenForInterrupt } from "../cli/interrupt.ts";
import { databaseUrl, runStorage } from "../cli/job_storage.ts";
import { describeDropped, writeLinesTo } from "../cli/line_writer.ts";
import type { workerOptions } from "../worker.ts";

type Options = z.output<typeof workerOptions>;

const work = async (
  { concurrency, runs, storage, stopTimeout, engine, tensorflow, jobMemory, jobDisk }: Options,
  url: string,
  { say, warn }: Readonly<Record<"say" | "warn", (line: string) => void>>,
): Promise<void> => {
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
    limits: needLimits({ memory: jobMemory, disk: jobDisk }),
    grace: stopTimeout * 1000,
    warn: (message) => warn(`warning: ${message}`),
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
  say(`takes jobs from ${host}${pathname}, ${concurrency} at a time, into ${runs}/`);
  await stopped;
  interrupt[Symbol.dispose]();
  say("stopping");
  await queue.close({ grace: stopTimeout * 1000, say });
};

/**
 * Runs jobs until Ctrl-C or SIGTERM: then their processes write checkpoints, and the jobs go on with other workers. A
 * second Ctrl-C ends at once.
 *
 * @returns 0
 * @throws {UsageError} if DATABASE_URL is not set, or the database refuses
 */
export const runWorker = async (options: Options): Promise<number> => {
  const url = databaseUrl();
  if (url === undefined) {
    throw new UsageError(
      "DATABASE_URL must name the database that servers and workers share; without one, a server runs its jobs itself",
    );
  }
  const output = writeLinesTo("stdout", describeDropped);
  const errors = writeLinesTo("stderr", describeDropped);
  try {
    await work(options, url, { say: output.write, warn: errors.write });
  } finally {
    await Promise.all([output.close(), errors.close()]);
  }
  return 0;
};
