import { hostname } from "node:os";
import { join } from "@std/path";
import { type JobEvent, JobExistsError, type JobLine, type Jobs, JobsUnavailableError } from "../jobs.ts";
import { launchTraining } from "../launch.ts";
import { openStorage } from "../storage/open_storage.ts";
import { addJob, getJob, listJobs, resumeJob, stopJob } from "./ask.ts";
import { createTurns } from "./boss.ts";
import type { Database } from "./database.ts";
import { follow } from "./follow.ts";
import { migrate } from "./schema.ts";
import { unavailable } from "./unavailable.ts";
import { once } from "./warn_once.ts";
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

/** Jobs that are kept in a database, which is opened when it is first asked for. */
export interface Queue extends Jobs {
  /** Opens the database and takes jobs; should it fail, again every few seconds. */
  start(): void;
}

interface Open {
  readonly database: Database;
  readonly watch: Watch;
  readonly worker: QueueWorker | null;
}

/** Milliseconds until a database that could not be opened is tried again. */
const AGAIN = 3000;

const exists = async (path: string): Promise<boolean> => {
  try {
    await Deno.lstat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
};

const nameOfWorker = () => `${hostname()}:${Deno.pid}:${crypto.randomUUID().slice(0, 4)}`;

/** Makes the queue of jobs. Nothing is opened until it is used or started. */
export const createQueue = (
  {
    url,
    runs = "runs",
    folder = QUEUE_FOLDER,
    workers = 1,
    launch = launchTraining,
    storage,
    tensorflow,
    engine,
    warn: tell = () => {},
  }: QueueSettings = {},
): Queue => {
  const warn = once(tell);
  let opening: Promise<Open> | null = null;
  let isClosed = false;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const openDatabase = async (): Promise<Database> =>
    url
      ? await (await import("./postgres.ts")).openPostgres(url, warn)
      : await (await import("./pglite.ts")).openFolder(folder, warn);

  const openAll = async (): Promise<Open> => {
    const database = await openDatabase();
    try {
      await createTurns(database.boss);
      await migrate(database);
      const watch = await watchJobs(database, warn);
      const settings = { runs, storage: storage ?? await openStorage(undefined), launch, tensorflow, engine, warn };
      const worker = workers > 0
        ? startWorker(database, watch, { ...settings, concurrency: workers, name: nameOfWorker() })
        : null;
      return { database, watch, worker };
    } catch (error) {
      await database.close();
      throw error;
    }
  };
  const open = (): Promise<Open> => {
    if (isClosed) return Promise.reject(new JobsUnavailableError("the jobs cannot be had now: the server stops"));
    opening ??= openAll().catch((error) => {
      opening = null;
      throw error;
    });
    return opening;
  };
  const using = async <T>(work: (open: Open) => T | Promise<T>): Promise<T> => {
    try {
      return await work(await open());
    } catch (error) {
      throw unavailable(error);
    }
  };
  async function* entries<T>(
    id: string,
    kind: "event" | "line",
    options: Parameters<typeof follow>[4],
  ): AsyncGenerator<T> {
    const { database, watch } = await using((open) => open);
    try {
      for await (const { id: number, event, line } of follow(database, watch, id, kind, options)) {
        yield (kind === "event" ? { id: number, event } : { id: number, line }) as T;
      }
    } catch (error) {
      throw unavailable(error);
    }
  }

  const start = () => {
    open().catch((error) => {
      if (isClosed) return;
      warn((unavailable(error) as Error).message);
      timer = setTimeout(start, AGAIN);
    });
  };

  return {
    start,
    add: (options, id = `job-${crypto.randomUUID().slice(0, 8)}`) =>
      using(async ({ database }) => {
        if (await exists(join(runs, id)) && !await getJob(database, id)) {
          throw new JobExistsError(`${join(runs, id)} is there already: choose another name`);
        }
        return await addJob(database, id, options);
      }),
    get: (id) => using(({ database }) => getJob(database, id)),
    list: (options = {}) => using(({ database }) => listJobs(database, options)),
    stop: (id) => using(({ database }) => stopJob(database, id)),
    resume: (id, { steps } = {}) => using(({ database }) => resumeJob(database, id, steps)),
    events: (id, { follow: live = true, ...options } = {}) => entries<JobEvent>(id, "event", { ...options, live }),
    logs: (id, { follow: live = false, ...options } = {}) => entries<JobLine>(id, "line", { ...options, live }),
    close: async ({ grace = 20_000 } = {}) => {
      isClosed = true;
      clearTimeout(timer);
      const opened = await opening?.catch(() => null);
      opening = null;
      if (!opened) return;
      await opened.worker?.close(grace);
      await opened.database.close();
    },
  };
};
