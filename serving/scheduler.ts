import { checkInteger } from "../core/check.ts";
import { chooseBatch } from "./batch.ts";
import { createCosts } from "./costs.ts";
import { createEntry, type Entry } from "./entry.ts";
import { type Network, stepRows } from "./step.ts";
import { type SamplingTask, type TaskOptions, workOf } from "./task.ts";
import { createTurns, type Turns } from "./turns.ts";
import { createVirtualTime } from "./virtual_time.ts";

/** What is under way in a scheduler. */
export interface Load {
  /** Images that have begun and are not finished, and those that have not begun. */
  readonly live: number;
  readonly waiting: number;
  /** Rows of network calls that are still to be done for them. */
  readonly left: number;
}

/** One network call, as a scheduler made it. */
export interface Step {
  /** Rows that were asked for, and rows that the network evaluated. */
  readonly rows: number;
  readonly bucket: number;
  /** Milliseconds of the step, and of its network call. */
  readonly time: number;
  readonly engine: number;
}

/** Denoises the images of many tasks together. */
export interface Scheduler {
  /**
   * Queues a task and resolves with its images, n·H·W·C values.
   *
   * @throws the signal's reason once it is aborted, and whatever the network throws
   */
  submit(task: SamplingTask, options?: TaskOptions): Promise<Float32Array<ArrayBuffer>>;
  readonly load: Load;
  /** Takes no more turns. */
  close(): void;
}

/** What a scheduler is told. */
export interface SchedulerOptions {
  /** Rows of one network call; a guided image takes two. At least 2. @default 16 */
  readonly capacity?: number;
  /** Label of "no class" in the network's embedding. @default null */
  readonly nullLabel?: number | null;
  /** Rows that the network evaluates when it is asked for so many. @default as many */
  readonly bucketOf?: (rows: number) => number;
  /** Whose turn it is, where several schedulers share an engine. @default turns of its own */
  readonly turns?: Turns;
  /** A clock of milliseconds. */
  readonly now?: () => number;
  readonly onStep?: (step: Step) => void;
}

/**
 * Step-level batching: at each step boundary, rows (images) of any number of tasks are put into one network call,
 * whatever their samplers, steps and classes. Which ones is up to the fair order of `createVirtualTime` and to
 * `chooseBatch`: a row may stand still for some calls and go on later. A row's values depend on its own task alone, as
 * far as the network's do.
 *
 * A network call that fails fails the tasks that took part in it, and no others.
 */
export const createScheduler = (
  network: Network,
  {
    capacity = 16,
    nullLabel = null,
    bucketOf = (rows) => rows,
    now = () => performance.now(),
    turns = createTurns({ now }),
    onStep,
  }: SchedulerOptions = {},
): Scheduler => {
  checkInteger("capacity", capacity, 2);
  const size = network.height * network.width * network.channels;
  const time = createVirtualTime();
  const costs = createCosts();
  const costOf = (rows: number) => costs.costOf(bucketOf(rows));
  /** Unsettled, in the order of precedence. */
  let entries: Entry[] = [];
  const sweep = () => {
    entries = entries.filter(({ isSettled }) => !isSettled);
  };

  const step = () => {
    const started = now();
    const shares = chooseBatch(entries, { capacity, costOf });
    try {
      const parts = shares.map(({ claim, images }) => ({ entry: claim, rows: claim.take(images) }));
      const { rows, engine } = stepRows(network, parts.flatMap(({ rows }) => rows), { nullLabel, now });
      const bucket = bucketOf(rows);
      costs.record(bucket, engine);
      time.advance(rows, entries.length);
      for (const { entry, rows } of parts) if (!entry.isSettled) entry.stepped(rows);
      sweep();
      onStep?.({ rows, bucket, time: now() - started, engine });
    } catch (error) {
      for (const { claim } of shares) claim.reject(error);
      sweep();
      throw error;
    }
  };
  const close = turns.add({ step, hasWork: () => entries.length > 0 });

  const submit: Scheduler["submit"] = async (task, options = {}) => {
    const { signal, onQueued } = options;
    signal?.throwIfAborted();
    const entry = createEntry(task, { ...options, size, virtualEnd: time.endOf(workOf(task)) });
    const before = entries.filter(({ virtualEnd }) => virtualEnd <= entry.virtualEnd);
    entries.splice(before.length, 0, entry);
    onQueued?.(before.reduce((sum, { live, waiting }) => sum + live + waiting, 0));
    turns.wake();

    const abort = () => {
      entry.reject(signal!.reason);
      sweep();
    };
    signal?.addEventListener("abort", abort, { once: true });
    try {
      return await entry.promise;
    } finally {
      signal?.removeEventListener("abort", abort);
    }
  };

  return {
    submit,
    close,
    get load() {
      const sum = (part: (entry: Entry) => number) => entries.reduce((total, entry) => total + part(entry), 0);
      return { live: sum(({ live }) => live), waiting: sum(({ waiting }) => waiting), left: sum(({ left }) => left) };
    },
  };
};
