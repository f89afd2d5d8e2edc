/** A model on disk that is missing, damaged or of a kind this project does not run. Its message is one line. */
export class ModelError extends Error {
  override name = "ModelError";
}
