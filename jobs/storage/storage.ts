/** Where run folders are stored, so that another machine can go on with them. */
export interface RunStorage {
  /** For people: `s3://bucket/prefix`. */
  readonly description: string;
  /**
   * Brings a run here: the newest whole checkpoint, and what was pushed beside it. A run that the storage does not know,
   * or whose folder here is as far, stays as it is.
   *
   * @param run the run's folder on this machine; its last part is the run's name in the storage
   * @param options.claim whether the run goes on here from now on: then whoever had it can push it no more
   * @throws {StorageError} if the storage cannot be reached, after some tries
   */
  fetch(run: string, options?: { readonly claim?: boolean }): Promise<void>;
  /**
   * Puts what a run has added since the last call into the storage: call it when the run says that it began, wrote a
   * checkpoint or samples, or ended. Others see a checkpoint only when it is there as a whole, and with the metrics up
   * to it. Calls follow each other, and one that waits does the work of those behind it.
   *
   * @throws {StorageConflictError} if another has claimed or pushed this run since it was claimed here
   * @throws {StorageError} if the storage cannot be reached, after some tries; what is there stays whole
   */
  push(run: string): Promise<void>;
}

/** The storage cannot be reached, refuses, or holds what cannot be read. The message is one line. */
export class StorageError extends Error {
  override name = "StorageError";
}

/** Another machine has gone on with the run. */
export class StorageConflictError extends StorageError {
  override name = "StorageConflictError";
}
