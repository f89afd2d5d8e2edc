import type { Claim } from "./batch.ts";
import { createPreviews } from "./previews.ts";
import { isFinished, type Row, startRow } from "./row.ts";
import { placesOf, type SamplingTask, type TaskOptions, workOf } from "./task.ts";

/** A task in the scheduler: what it claims, and how far it is. */
export interface Entry extends Claim {
  /** When it would end with an equal share, in virtual time. */
  readonly virtualEnd: number;
  /** Images that have begun and are not finished, and those that have not begun. */
  readonly live: number;
  readonly waiting: number;
  /** Rows of network calls that are still to be done. */
  readonly left: number;
  /** Whether it was resolved or rejected. */
  readonly isSettled: boolean;
  /** Resolves with the images, n·H·W·C values. */
  readonly promise: Promise<Float32Array<ArrayBuffer>>;
  /** The next `count` rows in turn, at most `ready`. */
  take(count: number): Row[];
  /** Takes note that these rows did a step, and tells of it; resolves after the last. */
  stepped(rows: readonly Row[]): void;
  reject(reason: unknown): void;
}

/**
 * Makes an entry of a task whose images have `size` values. They begin when they are first taken, and take their steps in
 * turn: none is more than one step ahead of another.
 */
export const createEntry = (
  task: SamplingTask,
  { virtualEnd, size, previews: count = 0, onStarted, onStep }:
    & { virtualEnd: number; size: number }
    & TaskOptions,
): Entry => {
  const { n, steps } = task;
  const places = placesOf(task);
  const total = n * steps;
  const { promise, resolve, reject } = Promise.withResolvers<Float32Array<ArrayBuffer>>();
  const images = new Float32Array(n * size);
  const rows: Row[] = [];
  const previews = createPreviews(task, count);
  let done = 0;
  let isSettled = false;

  const begun = () => Math.min(n, done);
  const finished = () => Math.max(0, done - n * (steps - 1));

  return {
    virtualEnd,
    promise,
    places,
    work: workOf(task),
    get ready() {
      return Math.min(n, total - done);
    },
    get live() {
      return begun() - finished();
    },
    get waiting() {
      return n - begun();
    },
    get left() {
      return (total - done) * places;
    },
    get isSettled() {
      return isSettled;
    },
    take: (count) => {
      if (done === 0) onStarted?.();
      return Array.from({ length: count }, (_, i) => rows[(done + i) % n] ??= startRow(task, (done + i) % n));
    },
    stepped: (taken) => {
      let preview;
      for (const row of taken) {
        const step = Math.floor(done++ / n) + 1;
        preview = previews.add(row, step) ?? preview;
        if (isFinished(row)) images.set(row.x, row.index * size);
      }
      onStep?.({ done, total, step: Math.floor(done / n), steps, ...preview && { preview } });
      if (done < total || isSettled) return;
      isSettled = true;
      resolve(images);
    },
    reject: (reason) => {
      isSettled = true;
      reject(reason);
    },
  };
};
