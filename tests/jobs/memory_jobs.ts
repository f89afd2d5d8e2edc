import {
  type FollowOptions,
  hasEnded,
  type Job,
  type JobEvent,
  JobExistsError,
  type JobLine,
  JobMissingError,
  type Jobs,
  JobStateError,
  type OptionValues,
} from "../../jobs/jobs.ts";
import { launchTraining, type TrainingProcess } from "../../jobs/launch.ts";
import type { TrainingEvent } from "../../training/events.ts";

type Writable = { -readonly [K in keyof Job]: Job[K] };

interface Entry {
  readonly job: Writable;
  readonly events: JobEvent[];
  readonly lines: JobLine[];
  changed: PromiseWithResolvers<void>;
}

/** The line of stderr that says what went wrong, above the stack; else the last. */
const errorLine = (stderr: string): string => {
  const lines = stderr.trim().split("\n");
  return lines.findLast((line) => /^error\b/i.test(line)) ?? lines.at(-1)!;
};

const note = (job: Writable, event: TrainingEvent): void => {
  if (event.event === "start") job.steps = event.steps;
  if (event.event === "progress") {
    const { step, steps, loss, imagesPerSecond, secondsLeft } = event;
    Object.assign(job, { step, steps, loss, imagesPerSecond, secondsLeft });
  }
  if (event.event === "checkpoint") job.checkpoint = event.folder;
  if (event.event === "done" || event.event === "stopped") Object.assign(job, { step: event.step, secondsLeft: null });
  if (event.event === "error") job.error = event.message;
};

const now = () => new Date().toISOString();

/**
 * Makes an empty list of jobs that lives in this process's memory and runs one at a time.
 *
 * @param settings.launch starts a training process
 */
export const createMemoryJobs = ({ launch = launchTraining }: { launch?: typeof launchTraining } = {}): Jobs => {
  const entries = new Map<string, Entry>();
  let current: { entry: Entry; process: TrainingProcess; finished: Promise<void> } | null = null;
  let closed = false;

  const find = (id: string): Entry => {
    const entry = entries.get(id);
    if (!entry) throw new JobMissingError(`there is no job ${JSON.stringify(id)}`);
    return entry;
  };
  const tell = (entry: Entry) => {
    entry.changed.resolve();
    entry.changed = Promise.withResolvers();
  };
  const end = (entry: Entry, state: Job["state"]) => {
    Object.assign(entry.job, { state, endedAt: now() });
    tell(entry);
  };

  const start = (entry: Entry) => {
    const { job, events } = entry;
    Object.assign(job, { state: "running", attempt: job.attempt + 1, worker: "memory", startedAt: now() });
    let outcome: Job["state"] = "failed";
    const onEvent = (event: TrainingEvent) => {
      note(job, event);
      events.push({ id: events.length + 1, event });
      if (event.event === "done") outcome = "succeeded";
      if (event.event === "stopped") outcome = "canceled";
      tell(entry);
    };
    const where: OptionValues = job.checkpoint
      ? { resume: job.run, steps: job.options.steps ?? null }
      : { ...job.options, out: job.run };
    const process = launch(where, { onEvent });
    const finished = process.ended.then(({ code, stderr }) => {
      for (const line of stderr.split("\n").filter(Boolean)) entry.lines.push({ id: entry.lines.length + 1, line });
      job.exitCode = code;
      const state = code === 0 ? outcome : "failed";
      if (state === "failed") job.error ??= errorLine(stderr) || `the training process ended with code ${code}`;
      end(entry, state);
      current = null;
      startNext();
    });
    return { entry, process, finished };
  };

  const startNext = () => {
    if (current || closed) return;
    const entry = entries.values().find(({ job }) => job.state === "queued");
    if (!entry) return;
    try {
      current = start(entry);
    } catch (error) {
      entry.job.error = error instanceof Error ? error.message : String(error);
      end(entry, "failed");
      startNext();
    }
  };

  const cancel = (entry: Entry) => {
    if (entry.job.state === "queued") end(entry, "canceled");
    else if (current?.entry === entry) {
      entry.job.state = "canceling";
      current.process.stop();
    }
    return { ...entry.job };
  };

  async function* follow<T extends { id: number }>(
    entry: Entry,
    all: readonly T[],
    { after = 0, signal, live = true }: FollowOptions & { live?: boolean },
  ): AsyncGenerator<T> {
    const aborted = Promise.withResolvers<void>();
    signal?.addEventListener("abort", () => aborted.resolve(), { once: true });
    let next = after;
    while (!signal?.aborted) {
      const { promise } = entry.changed;
      const isLast = hasEnded(entry.job) || !live;
      while (next < all.length && !signal?.aborted) yield all[next++];
      if (isLast) return;
      await Promise.race([promise, aborted.promise]);
    }
  }

  return {
    add: (options, id = `job-${crypto.randomUUID().slice(0, 8)}`) => {
      const run = `runs/${id}`;
      if (entries.has(id)) return Promise.reject(new JobExistsError(`${run} is there already: choose another name`));
      const job: Writable = {
        ...{ id, run, options, state: "queued", attempt: 0, worker: null },
        ...{ createdAt: now(), startedAt: null, endedAt: null },
        ...{ step: 0, steps: null, loss: null, imagesPerSecond: null, secondsLeft: null },
        ...{ checkpoint: null, exitCode: null, error: null },
      };
      entries.set(id, { job, events: [], lines: [], changed: Promise.withResolvers() });
      const added = { ...job };
      startNext();
      return Promise.resolve(added);
    },
    get: (id) => Promise.resolve(entries.has(id) ? { ...find(id).job } : undefined),
    list: ({ limit = Infinity, after, states } = {}) => {
      const jobs = [...entries.values()].map(({ job }) => ({ ...job }));
      const from = after === undefined ? 0 : jobs.findIndex(({ id }) => id === after) + 1;
      const chosen = jobs.slice(from).filter(({ state }) => states?.includes(state) ?? true);
      return Promise.resolve(chosen.slice(0, limit));
    },
    cancel: async (id) => await cancel(find(id)),
    resume: async (id, { steps } = {}) => {
      const { job } = find(id);
      if (!hasEnded(job)) throw new JobStateError(`${id} cannot go on: it is ${job.state}`);
      if (job.state === "succeeded" && !(steps !== undefined && steps > job.step)) {
        throw new JobStateError(`${id} has succeeded: steps must be > ${job.step}, received ${steps ?? "nothing"}`);
      }
      const options = steps === undefined ? job.options : { ...job.options, steps };
      Object.assign(job, { options, state: "queued", endedAt: null, exitCode: null, error: null });
      const resumed = { ...job };
      startNext();
      return await resumed;
    },
    events: (id, { follow: live = true, ...options } = {}) => {
      const entry = find(id);
      return follow(entry, entry.events, { ...options, live });
    },
    logs: (id, { follow: live = false, ...options } = {}) => {
      const entry = find(id);
      return follow(entry, entry.lines, { ...options, live });
    },
    close: async ({ grace = 20_000 } = {}) => {
      closed = true;
      for (const entry of entries.values()) cancel(entry);
      if (!current) return;
      const timer = setTimeout(current.process.kill, grace);
      await current.finished;
      clearTimeout(timer);
    },
  };
};
