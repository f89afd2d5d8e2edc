/** A run that cannot start or go on: its folder is in the way, missing or damaged. Its message is one line. */
export class RunError extends Error {
  override name = "RunError";
}
