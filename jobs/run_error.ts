/** A run that cannot start or go on: its folder is in the way, missing or damaged. Its message is one line. */
export class RunError extends Error {
  override name: string = "RunError";
}

/** Another process trains in the run's folder. It may be about to end. */
export class RunLockedError extends RunError {
  override name = "RunLockedError";
}
