import type { TrainingEvent } from "../events.ts";
import { type RunStorage, StorageConflictError } from "../storage/storage.ts";

/** Events after which a run's folder holds something new to keep. */
export const CHANGES: readonly TrainingEvent["event"][] = ["start", "checkpoint", "sample"];

/**
 * Makes what puts a run's folder into the storage, one time after the other, as long as the job is this worker's.
 *
 * @param lost aborts when it is another's, which the storage may be the first to say
 * @param say hears what goes wrong; the run goes on
 * @returns resolves when all that there was to put is there
 */
export const createPush = (
  storage: RunStorage,
  run: string,
  lost: AbortController,
  say: (message: string) => void,
): () => Promise<void> => {
  let pushed: Promise<void> = Promise.resolve();
  return () =>
    pushed = pushed.then(() => lost.signal.aborted ? undefined : storage.push(run)).catch((error) => {
      say(error.message);
      if (error instanceof StorageConflictError) lost.abort();
    });
};
