import { DatasetError } from "./dataset_error.ts";
import type { DatasetParts } from "./images.ts";

/**
 * A dataset without the images of all but some classes. The classes keep their order, whatever that of `classes` is, and
 * are counted anew from 0.
 *
 * @throws {DatasetError} if the dataset has no classes, or lacks one of these
 */
export const chooseClasses = (parts: DatasetParts, classes: readonly string[]): DatasetParts => {
  const { name, labels, classNames, places, fingerprint } = parts;
  if (labels === null || classNames === null) {
    throw new DatasetError(`classes must be left out with ${name}, which has none`);
  }
  const unknown = classes.find((wanted) => !classNames.includes(wanted));
  if (unknown !== undefined) {
    const allowed = classNames.map((known) => JSON.stringify(known)).join(", ");
    throw new DatasetError(`classes must be of ${name}'s ${allowed}, received ${JSON.stringify(unknown)}`);
  }
  const chosen = classNames.filter((known) => classes.includes(known));
  const labelOf = classNames.map((known) => chosen.indexOf(known));
  const kept = Int32Array.from(labels.keys()).filter((i) => labelOf[labels[i]] >= 0);
  return {
    ...parts,
    count: kept.length,
    places: kept.map((i) => places?.[i] ?? i),
    labels: kept.map((i) => labelOf[labels[i]]),
    classNames: chosen,
    fingerprint: fingerprint === undefined ? undefined : `${fingerprint} ${JSON.stringify(chosen)}`,
  };
};
