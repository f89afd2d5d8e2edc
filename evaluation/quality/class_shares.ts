import type { Dataset } from "../../jobs/data/dataset.ts";
import type { Classes } from "../../model/pipeline.ts";
import { matchClasses } from "../classes.ts";
import { EvaluationError } from "../error.ts";

/** The part of 1 by which each next draw moves on: that of the golden ratio leaves the draws spread evenly, however many. */
const STRIDE = (Math.sqrt(5) - 1) / 2;

/** How often the data has each class of the model. */
export interface ClassCounts {
  /** Of each class its number of images. */
  readonly counts: readonly number[];
  /** The class of sample i, whichever i: of n samples each class has its share, to within a few. */
  classOf(i: number): number;
}

/**
 * Shares out classes as the data has them.
 *
 * @throws {EvaluationError} if the model has no classes, or the data not the model's
 */
export const classCounts = (model: Classes, dataset: Dataset, name: string): ClassCounts => {
  const indexOf = matchClasses(model, dataset);
  if (indexOf === null) {
    throw new EvaluationError(`class-shares must be equal for the model ${name}, which has no classes, received data`);
  }
  const counts = model.labels!.map(() => 0);
  for (const label of dataset.labels!) counts[indexOf[label]]++;
  const ends: number[] = [];
  counts.reduce((sum, count, k) => ends[k] = sum + count, 0);
  return { counts, classOf: (i) => ends.findIndex((end) => end > (i + 0.5) * STRIDE % 1 * dataset.count) };
};
