import { EvaluationError } from "../error.ts";

/** A feature extractor that cannot be had, or that cannot take these images. Its message is one line. */
export class ExtractorError extends EvaluationError {
  override name = "ExtractorError";
}
