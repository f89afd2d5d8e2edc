import { basename } from "@std/path";
import { fetchRun } from "./fetch_run.ts";
import { type Pushed, pushRun } from "./push_run.ts";
import { readIndex } from "./run_index.ts";
import { openS3Objects } from "./s3_objects.ts";
import { s3Settings } from "./s3_settings.ts";
import type { RunStorage } from "./storage.ts";

/** What is done with one run: one thing after another. */
interface Work {
  /** What is known of it since it was claimed. */
  pushed: Pushed | null;
  /** What was begun last, or waits. */
  last: Promise<unknown>;
  /** A push that has not begun yet. */
  waiting: Promise<void> | null;
}

/**
 * Keeps runs in a bucket. Under `NAME/` lies what a run folder holds, under the same paths, so that a plain copy is one;
 * and `index.json`, which says which checkpoints are whole. It takes the rights to get, put and delete objects; without
 * that to list the bucket, Amazon's answers 403 where there is no object, which is taken for a refusal.
 *
 * @throws {RangeError} as `s3Settings` does
 */
export const openS3Storage = (url: string, environment: (name: string) => string | undefined): RunStorage => {
  const objects = openS3Objects(s3Settings(url, environment));
  const runs = new Map<string, Work>();

  const workOn = (run: string): Work => {
    const work = runs.get(run) ?? { pushed: null, last: Promise.resolve(), waiting: null };
    runs.set(run, work);
    return work;
  };
  const enqueue = (work: Work, task: () => Promise<void>): Promise<void> => {
    const next = work.last.then(task, task);
    work.last = next.catch(() => {});
    return next;
  };

  return {
    description: url,
    fetch: (run, { claim = false } = {}) => {
      const work = workOn(run), name = basename(run);
      return enqueue(work, async () => {
        const index = await readIndex(objects, name);
        if (claim) {
          work.pushed = { index, versions: new Map() };
          await index.write({});
        }
        await fetchRun(objects, run, name, index.value);
      });
    },
    push: (run) => {
      const work = workOn(run), name = basename(run);
      work.waiting ??= enqueue(work, async () => {
        work.waiting = null;
        work.pushed ??= { index: await readIndex(objects, name), versions: new Map() };
        await pushRun(objects, run, name, work.pushed);
      });
      return work.waiting;
    },
  };
};
