/** Exit code of a command that was given what it cannot work with. */
export const REFUSED = 2;

/** Exit code of a training whose loss is no number any more: the same again would end the same. */
export const DIVERGED = 3;

/** Exit code of a process that may be started again as it is, here or elsewhere (`EX_TEMPFAIL`). */
export const TRY_AGAIN = 75;

/** A run that cannot start or go on: its folder is in the way, missing or damaged. Its message is one line. */
export class RunError extends Error {
  override name: string = "RunError";
}

/** Another process trains in the run's folder. It may be about to end. */
export class RunLockedError extends RunError {
  override name = "RunLockedError";
}

/** Training that has lost its way: a loss or a gradient that is no number. Its message is one line. */
export class DivergedError extends Error {
  override name = "DivergedError";
}
