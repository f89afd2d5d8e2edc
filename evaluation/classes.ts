import type { Dataset } from "../datasets/dataset.ts";
import type { Classes } from "../model/pipeline.ts";
import { EvaluationError } from "./error.ts";

const isNumbered = (names: readonly string[]): boolean => names.every((name, i) => name === String(i));

const shortList = (names: readonly string[]): string =>
  names.length <= 12 ? names.join(", ") : `${names.slice(0, 11).join(", ")} … (${names.length})`;

/**
 * Finds the model's class of each class of a dataset: by name, or by index where the model has but numbers for names.
 *
 * @returns the model's index of class k at k, or `null` for a model without classes
 * @throws {EvaluationError} if a class of the data is none of the model's, or the data has none
 */
export const matchClasses = (
  { labels: own }: Classes,
  { name: data, labels, classNames }: Pick<Dataset, "name" | "labels" | "classNames">,
): readonly number[] | null => {
  if (own === null) return null;
  if (labels === null || classNames === null) {
    throw new EvaluationError(
      `data must have classes for a model of classes (${shortList(own)}), received ${data}, with none`,
    );
  }
  const indices = classNames.map((name) => own.indexOf(name));
  if (!indices.includes(-1)) return indices;
  if (isNumbered(own) && classNames.length <= own.length) return classNames.map((_, k) => k);
  const unknown = classNames.filter((_, k) => indices[k] === -1);
  throw new EvaluationError(
    `data must have the model's classes alone (${shortList(own)}), received ${data}, with ${shortList(unknown)}; ` +
      "--classes picks some",
  );
};
