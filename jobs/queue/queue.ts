import { join } from "@std/path";
import { type JobEvent, JobExistsError, type JobLine, type Jobs, JobsUnavailableError } from "../jobs.ts";
import { addJob, getJob, listJobs, resumeJob, stopJob } from "./ask.ts";
import { follow } from "./follow.ts";
import { type Open, openJobs, type QueueSettings } from "./open_jobs.ts";
import { unavailable } from "./unavailable.ts";
import { once } from "./warn_once.ts";

export { QUEUE_FOLDER, type QueueSettings } from "./open_jobs.ts";

/** Jobs that are kept in a database, which is opened when it is first asked for. */
export interface Queue extends Jobs {
  /** Opens the database and takes jobs; should it fail, again every few seconds. */
  start(): void;
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

/** Makes the queue of jobs. Nothing is opened until it is used or started. */
export const createQueue = ({ warn: tell = () => {}, ...given }: QueueSettings = {}): Queue => {
  const warn = once(tell);
  const { runs = "runs" } = given;
  const settings = { ...given, runs, warn };
  let opening: Promise<Open> | null = null;
  let isClosed = false;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const open = (): Promise<Open> => {
    if (isClosed) return Promise.reject(new JobsUnavailableError("the jobs cannot be had now: the server stops"));
    opening ??= openJobs(settings).catch((error) => {
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
