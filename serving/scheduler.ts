import { checkInteger } from "../core/check.ts";
import { isFinished, isGuided, type Row, startRow } from "./row.ts";
import { type Network, stepRows } from "./step.ts";
import { QueueFullError, type SamplingTask, type TaskOptions } from "./task.ts";

/** Denoises the images of many tasks together. */
export interface Scheduler {
  /**
   * Queues a task and resolves with its images, n·H·W·C values.
   *
   * @throws {QueueFullError} if as many images wait as may
   * @throws the signal's reason once it is aborted, and whatever the network throws
   */
  submit(task: SamplingTask, options?: TaskOptions): Promise<Float32Array<ArrayBuffer>>;
  /** Images being denoised, and images not yet begun. */
  readonly load: { readonly live: number; readonly waiting: number };
}

interface Entry {
  readonly task: SamplingTask;
  readonly images: Float32Array<ArrayBuffer>;
  readonly onStep?: TaskOptions["onStep"];
  /** Images that have begun, images that are finished, steps that are done. */
  begun: number;
  finished: number;
  done: number;
  ended: boolean;
  readonly resolve: (images: Float32Array<ArrayBuffer>) => void;
  readonly reject: (reason: unknown) => void;
}

/**
 * Step-level batching: rows (images) are scheduled rather than tasks. At each step boundary the rows of cancelled tasks
 * leave, waiting ones take the room in order of arrival, and one network call serves all live rows. A row's values
 * depend on its own task alone, as far as the network's do.
 *
 * A network call that fails fails the tasks that took part in it, and no others.
 *
 * @param options.capacity rows of one network call; a guided image takes two
 * @param options.queue images that may wait
 * @param options.nullLabel label of "no class" in the network's embedding
 * @param options.pause lets messages and timers through between two steps
 */
export const createScheduler = (
  network: Network,
  { capacity = 16, queue = 256, nullLabel = null, pause = () => new Promise<void>((resume) => setImmediate(resume)) }: {
    capacity?: number;
    queue?: number;
    nullLabel?: number | null;
    pause?: () => Promise<void>;
  } = {},
): Scheduler => {
  checkInteger("capacity", capacity, 2);
  checkInteger("queue", queue, 1);
  const size = network.height * network.width * network.channels;
  let entries: Entry[] = [];
  let live: { entry: Entry; row: Row }[] = [];
  let running = false;

  const waiting = () => entries.reduce((sum, { ended, task, begun }) => ended ? sum : sum + task.n - begun, 0);

  const fail = (entry: Entry, reason: unknown) => {
    entry.ended = true;
    entry.reject(reason);
  };

  const sweep = () => {
    entries = entries.filter(({ ended }) => !ended);
    live = live.filter(({ entry, row }) => !entry.ended && !isFinished(row));
  };

  const admit = () => {
    let free = capacity - live.reduce((sum, { row }) => sum + (isGuided(row) ? 2 : 1), 0);
    for (const entry of entries) {
      const places = entry.task.guidance === 1 ? 1 : 2;
      for (; entry.begun < entry.task.n; entry.begun++, free -= places) {
        if (free < places) return;
        live.push({ entry, row: startRow(entry.task, entry.begun, size) });
      }
    }
  };

  const publish = () => {
    for (const { entry, row } of live) {
      entry.done++;
      if (!isFinished(row)) continue;
      entry.images.set(row.x, row.sample * size);
      entry.finished++;
    }
    for (const entry of new Set(live.map(({ entry }) => entry))) {
      const { task, done, finished, images, onStep } = entry;
      if (entry.ended) continue;
      onStep?.({ done, total: task.n * task.plan.rows.length });
      if (finished < task.n) continue;
      entry.ended = true;
      entry.resolve(images);
    }
  };

  const run = async () => {
    for (sweep(), admit(); live.length > 0; sweep(), admit()) {
      try {
        stepRows(network, live.map(({ row }) => row), nullLabel);
        publish();
      } catch (error) {
        for (const { entry } of live) fail(entry, error);
      }
      await pause();
    }
    running = false;
  };

  const submit = (task: SamplingTask, { signal, onStep }: TaskOptions = {}) =>
    new Promise<Float32Array<ArrayBuffer>>((resolve, reject) => {
      signal?.throwIfAborted();
      if (waiting() + task.n > queue) {
        throw new QueueFullError(`${waiting()} images wait and ${queue} may, ${task.n} more were asked for`);
      }
      const images = new Float32Array(task.n * size);
      const entry: Entry = { task, images, onStep, begun: 0, finished: 0, done: 0, ended: false, resolve, reject };
      signal?.addEventListener("abort", () => fail(entry, signal.reason), { once: true });
      entries.push(entry);
      // The first step waits too, so that tasks submitted together share it.
      if (!running) pause().then(run);
      running = true;
    });

  return {
    submit,
    get load() {
      return { live: live.filter(({ entry }) => !entry.ended).length, waiting: waiting() };
    },
  };
};
