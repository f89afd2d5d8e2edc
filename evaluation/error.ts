/** A model and data that cannot be held against each other, or too little of either. Its message is one line. */
export class EvaluationError extends Error {
  override name = "EvaluationError";
}

/** A feature extractor that cannot be had, or that cannot take these images. Its message is one line. */
export class ExtractorError extends EvaluationError {
  override name = "ExtractorError";
}
