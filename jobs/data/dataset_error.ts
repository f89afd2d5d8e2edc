/** A dataset that cannot be had: unknown, missing, damaged or not prepared. Its message is one line. */
export class DatasetError extends Error {
  override name = "DatasetError";
}
