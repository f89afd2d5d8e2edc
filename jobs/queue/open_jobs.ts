import { hostname } from "node:os";
import { launchTraining } from "../launch.ts";
import { openStorage } from "../storage/open_storage.ts";
import { createTurns } from "./boss.ts";
import type { Database } from "./database.ts";
import { migrate } from "./schema.ts";
import { type Watch, watchJobs } from "./watch.ts";
import { type QueueWorker, startWorker, type WorkerSettings } from "./worker.ts";

/** Where jobs are kept unless a database is named. */
export const QUEUE_FOLDER = "runs/.queue";

/** Where jobs are kept, and what of them is done here. */
export interface QueueSettings
  extends Partial<Pick<WorkerSettings, "runs" | "launch" | "storage" | "tensorflow" | "engine" | "warn">> {
  /** `postgres://…`: a database that many servers and workers share. Without it, jobs are kept in a folder. */
  readonly url?: string;
  /** That folder. */
  readonly folder?: string;
  /** Jobs to run at a time in this process; 0: others run them. */
  readonly workers?: number;
}

/** A database of jobs that is open, and the worker of this process. */
export interface Open {
  readonly database: Database;
  readonly watch: Watch;
  readonly worker: QueueWorker | null;
}

/** Unlike any other, of another machine or an earlier time. */
const nameOfWorker = () => `${hostname()}:${Deno.pid}:${crypto.randomUUID().slice(0, 4)}`;

/**
 * Opens the database, brings its tables up to date, and starts to take jobs.
 *
 * @throws {JobsUnavailableError} if the folder is another server's
 * @throws {Error} what the database says if it cannot be reached or refuses
 */
export const openJobs = async (
  {
    url,
    runs = "runs",
    folder = QUEUE_FOLDER,
    workers = 1,
    launch = launchTraining,
    storage,
    tensorflow,
    engine,
    warn = () => {},
  }: QueueSettings,
): Promise<Open> => {
  const database = url
    ? await (await import("./postgres.ts")).openPostgres(url, warn)
    : await (await import("./pglite.ts")).openFolder(folder, warn);
  try {
    await createTurns(database.boss);
    await migrate(database);
    const watch = await watchJobs(database, warn);
    if (workers === 0) return { database, watch, worker: null };
    const place = { runs, storage: storage ?? await openStorage(undefined), launch, tensorflow, engine, warn };
    const worker = startWorker(database, watch, { ...place, concurrency: workers, name: nameOfWorker() });
    return { database, watch, worker };
  } catch (error) {
    await database.close();
    throw error;
  }
};
