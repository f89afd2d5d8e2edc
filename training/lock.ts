import { join } from "@std/path";
import { writing } from "../files/durable.ts";
import { RunLockedError } from "./errors.ts";

const POLL = 50;

/**
 * Locks a run's folder, by `flock` on its file `.lock`, until this is disposed or the process ends, however it ends. Two
 * processes never train into one folder.
 *
 * @param options.patience milliseconds to wait for a process that is about to end
 * @throws {RunLockedError} if another process still holds it then
 */
export const lockRun = async (run: string, { patience = 5000 }: { patience?: number } = {}): Promise<Disposable> => {
  const path = join(run, ".lock");
  const file = await writing(path, () => Deno.open(path, { create: true, write: true }));
  try {
    for (const end = performance.now() + patience; !await file.tryLock(true);) {
      if (performance.now() >= end) {
        throw new RunLockedError(`Cannot train in ${run}: another process does; it holds the lock of ${path}`);
      }
      await new Promise((resume) => setTimeout(resume, POLL));
    }
    return file;
  } catch (error) {
    file.close();
    throw error;
  }
};
