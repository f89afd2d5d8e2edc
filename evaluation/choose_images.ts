import { permutation } from "../core/mod.ts";
import type { Dataset } from "../jobs/data/dataset.ts";
import { EvaluationError } from "./error.ts";

/**
 * Chooses `n` of a dataset's images at random, without repetition. The first of more are those of fewer.
 *
 * @returns their indices
 * @throws {EvaluationError} if there are not as many
 */
export const chooseImages = (
  { name, count }: Pick<Dataset, "name" | "count">,
  { n, seed }: { n: number; seed: number },
): Uint32Array => {
  if (n > count) throw new EvaluationError(`n must be at most ${count}, the images of ${name}, received ${n}`);
  return permutation(count, { seed, epoch: 0 }).slice(0, n);
};
