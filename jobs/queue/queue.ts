import { join } from "@std/path";
import { hostname } from "node:os";
import { isTaken } from "../../files/exists.ts";
import { machineMemory } from "../../files/machine.ts";
import {
  type CloseOptions,
  type JobEvent,
  JobExistsError,
  type JobLine,
  type Jobs,
  JobsUnavailableError,
} from "../jobs.ts";
import { launchTraining } from "../launch.ts";
import { openStorage } from "../storage/open_storage.ts";
import { type Watch, watchJobs } from "./changes.ts";
import { type Database, migrate } from "./database.ts";
import { followEntries } from "./entries.ts";
import { addJob, cancelJob, getJob, queryJobs, requeueJob } from "./job_table.ts";
import { createTurnQueue } from "./turns.ts";
import { type QueueWorker, startWorker, type WorkerSettings } from "./worker.ts";

/** Milliseconds for which the same is not said again. */
const QUIET = 10_000;

/** Says each message once in a while: a database that goes away is noticed by many at once. */
const warnOnce = (warn: (message: string) => void): (message: string) => void => {
  const said = new Map<string, number>();
  return (message) => {
    const now = performance.now();
    for (const [old, at] of said) if (now - at > QUIET) said.delete(old);
    if (said.has(message)) return;
    said.set(message, now);
    warn(message);
  };
};

/**
 * Codes of PostgreSQL's errors, and the system's, that are no fault of a request: connection, read-only, login, database
 * or schema missing, deadlock, rights, tables missing, resources, locks, operator's intervention, system, damage.
 */
const PASSING = /^(08|25|28|3D|3F|40|42501|42P01|53|55|57|58|XX|E[A-Z]+$)/;

/** What to do about some of them. */
const REMEDIES: Readonly<Record<string, string>> = {
  42501: "the user of DATABASE_URL must be allowed to make and use the schemas pgboss and denoise",
};

const PASSING_MESSAGE = /terminat|timeout|timed out|connect|closed|not opened|broke/i;

/** What of a database's errors says that it cannot be had now; others are given back as they are. */
const asUnavailable = (error: unknown): unknown => {
  const { name, message, code = "", errors } = error as Error & { code?: string; errors?: Error[] };
  if (name.startsWith("Job")) return error;
  if (name !== "DiskError" && !PASSING.test(code) && !PASSING_MESSAGE.test(message)) return error;
  const said = [message || errors?.[0]?.message || code, ...code in REMEDIES ? [REMEDIES[code]] : []].join(": ");
  return new JobsUnavailableError(`the jobs cannot be had now: ${said}`, { cause: error });
};

/** The folder of jobs unless a database is named. */
export const QUEUE_FOLDER = "runs/.queue";

/** Where jobs are stored, and what of them is done here. */
export interface QueueSettings extends
  Partial<
    Pick<WorkerSettings, "runs" | "launch" | "storage" | "tensorflow" | "engine" | "limits" | "grace" | "warn">
  > {
  /** `postgres://…`: a database that many servers and workers share. Without it, jobs are stored in a folder. */
  readonly url?: string;
  /** That folder. */
  readonly folder?: string;
  /** Jobs to run at a time in this process; 0: others run them. */
  readonly workers?: number;
}

/** A database of jobs that is open, and the worker of this process. */
export interface OpenQueue {
  readonly database: Database;
  readonly watch: Watch;
  readonly worker: QueueWorker | null;
  /** Resolves once it is closed, if that was begun. */
  closed?: Promise<void>;
}

/** Ends this process's share of it, once: a database that is closed may count as lost, and one that is lost be closed. */
const closeQueue = (opened: OpenQueue, options: Required<CloseOptions>): Promise<void> => {
  const close = async () => {
    await opened.worker?.close(options);
    await opened.database.close();
  };
  return opened.closed ??= close();
};

/** Unlike any other, of another machine or an earlier time. */
const nameOfWorker = () => `${hostname()}:${Deno.pid}:${crypto.randomUUID().slice(0, 4)}`;

/**
 * Opens the database, brings its tables up to date, and starts to take jobs.
 *
 * @throws {JobsUnavailableError} if the folder is another server's
 * @throws {Error} what the database says if it cannot be reached or refuses
 */
const openQueue = async (
  {
    url,
    runs = "runs",
    folder = QUEUE_FOLDER,
    workers = 1,
    launch = launchTraining,
    storage,
    tensorflow,
    engine,
    limits,
    grace,
    warn = () => {},
  }: QueueSettings,
): Promise<OpenQueue> => {
  const database = url
    ? await (await import("./postgres.ts")).openPostgres(url, warn)
    : await (await import("./pglite.ts")).openFolder(folder, warn);
  try {
    await createTurnQueue(database.boss);
    await migrate(database);
    const watch = await watchJobs(database, warn);
    if (workers === 0) return { database, watch, worker: null };
    const surroundings = {
      runs,
      storage: storage ?? await openStorage(undefined),
      launch,
      tensorflow,
      engine,
      limits: { memory: machineMemory() / workers, ...limits },
      grace,
      warn,
    };
    const worker = startWorker(database, watch, { ...surroundings, concurrency: workers, name: nameOfWorker() });
    return { database, watch, worker };
  } catch (error) {
    await database.close();
    throw error;
  }
};

/** Jobs in a database, which is opened when it is first asked for. */
export interface Queue extends Jobs {
  /** Opens the database and takes jobs; should it fail, again every few seconds. */
  start(): void;
}

/** Milliseconds until a database that could not be opened is tried again: from, to. */
const AGAIN = 3000, LONGEST = 30_000;

/** Milliseconds in which a job's process may write its checkpoint when its database is lost. */
const GRACE = 20_000;

/** Makes the queue of jobs. Nothing is opened until it is used or started. */
export const createQueue = ({ warn: report = () => {}, ...given }: QueueSettings = {}): Queue => {
  const warn = warnOnce(report);
  const { runs = "runs" } = given;
  const settings = { ...given, runs, warn };
  let opening: Promise<OpenQueue> | null = null;
  let isClosed = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  /** Why it cannot be had, for as long as nobody tries again: to find that out takes a second where it is damaged. */
  let refusal: { readonly error: unknown; readonly until: number } | null = null;

  const tryOpen = async (): Promise<OpenQueue> => {
    const began = performance.now();
    try {
      const opened = await openQueue(settings);
      const { lost } = opened.database;
      const giveUp = () => lose(opened);
      if (lost.aborted) giveUp();
      else lost.addEventListener("abort", giveUp, { once: true });
      return opened;
    } catch (error) {
      const now = performance.now();
      refusal = { error, until: now + Math.min(LONGEST, 10 * (now - began)) };
      opening = null;
      throw error;
    }
  };
  const open = (): Promise<OpenQueue> => {
    if (isClosed) return Promise.reject(new JobsUnavailableError("the jobs cannot be had now: the server stops"));
    if (refusal && performance.now() < refusal.until) return Promise.reject(refusal.error);
    return opening ??= tryOpen();
  };
  /** Its jobs write checkpoints; once they have, it is opened anew. */
  const lose = async (opened: OpenQueue): Promise<void> => {
    if (isClosed) return;
    const error = opened.database.lost.reason as JobsUnavailableError;
    refusal = { error, until: Infinity };
    warn(error.message);
    await closeQueue(opened, { grace: GRACE, say: () => {} });
    opening = refusal = null;
    if (!isClosed) start();
  };
  const using = async <T>(work: (open: OpenQueue) => T | Promise<T>): Promise<T> => {
    try {
      return await work(await open());
    } catch (error) {
      throw asUnavailable(error);
    }
  };
  async function* entries<T>(
    id: string,
    kind: "event" | "line",
    options: Parameters<typeof followEntries>[4],
  ): AsyncGenerator<T> {
    const { database, watch } = await using((open) => open);
    try {
      for await (const { id: number, event, line } of followEntries(database, watch, id, kind, options)) {
        yield (kind === "event" ? { id: number, event } : { id: number, line }) as T;
      }
    } catch (error) {
      throw asUnavailable(error);
    }
  }

  let said = "";
  const start = () => {
    open().then(() => said = "", (error) => {
      if (isClosed) return;
      const { message } = asUnavailable(error) as Error;
      if (message !== said) warn(said = message);
      timer = setTimeout(start, Math.max(AGAIN, (refusal?.until ?? 0) - performance.now()));
    });
  };

  return {
    start,
    add: (options, id = `job-${crypto.randomUUID().slice(0, 8)}`) =>
      using(async ({ database }) => {
        if (await isTaken(join(runs, id)) && !await getJob(database, id)) {
          throw new JobExistsError(`${join(runs, id)} is there already: choose another name`);
        }
        return await addJob(database, id, options);
      }),
    get: (id) => using(({ database }) => getJob(database, id)),
    list: (options = {}) => using(({ database }) => queryJobs(database, options)),
    cancel: (id) => using(({ database }) => cancelJob(database, id)),
    resume: (id, { steps } = {}) => using(({ database }) => requeueJob(database, id, steps)),
    events: (id, { follow: live = true, ...options } = {}) => entries<JobEvent>(id, "event", { ...options, live }),
    logs: (id, { follow: live = false, ...options } = {}) => entries<JobLine>(id, "line", { ...options, live }),
    close: async ({ grace = 20_000, say = () => {} } = {}) => {
      isClosed = true;
      clearTimeout(timer);
      const opened = await opening?.catch(() => null);
      opening = null;
      if (opened) await closeQueue(opened, { grace, say });
    },
  };
};
