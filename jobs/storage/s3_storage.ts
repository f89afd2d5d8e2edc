import { basename } from "@std/path";
import { fetchRun } from "./fetch_run.ts";
import { type Pushed, pushRun } from "./push_run.ts";
import { readIndex } from "./run_index.ts";
import { openS3Objects } from "./s3_objects.ts";
import { s3Settings } from "./s3_settings.ts";
import type { RunStorage } from "./storage.ts";

/** One run's pushes. */
interface Pushes {
  readonly pushed: Promise<Pushed>;
  /** The last push that was begun or waits. */
  last: Promise<void>;
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
  const runs = new Map<string, Pushes>();

  const begin = (run: string, pushed: Promise<Pushed>): Pushes => {
    const pushes = { pushed, last: Promise.resolve(), waiting: null };
    pushed.catch(() => runs.delete(run));
    runs.set(run, pushes);
    return pushes;
  };
  const readPushed = async (run: string): Promise<Pushed> => ({
    index: await readIndex(objects, basename(run)),
    versions: new Map(),
  });

  return {
    description: url,
    fetch: async (run) => {
      const { pushed } = begin(run, readPushed(run));
      const { index } = await pushed;
      await fetchRun(objects, run, basename(run), index.value);
    },
    push: (run) => {
      const pushes = runs.get(run) ?? begin(run, readPushed(run));
      if (pushes.waiting) return pushes.waiting;
      const next = pushes.last.catch(() => {}).then(async () => {
        pushes.waiting = null;
        await pushRun(objects, run, basename(run), await pushes.pushed);
      });
      pushes.waiting = pushes.last = next;
      return next;
    },
  };
};
