/** Training that has lost its way: a loss or a gradient that is no number. Its message is one line. */
export class DivergedError extends Error {
  override name = "DivergedError";
}
