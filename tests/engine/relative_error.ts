import { assert } from "@std/assert";

/** Largest difference, in units of the largest expected value. NaN where one side alone has it, or both. */
export const relativeError = (actual: ArrayLike<number>, expected: ArrayLike<number>): number => {
  assert(actual.length === expected.length, `${actual.length} values, expected ${expected.length}`);
  let difference = 0, magnitude = 0;
  for (let i = 0; i < expected.length; i++) {
    difference = Math.max(difference, Math.abs(actual[i] - expected[i]));
    magnitude = Math.max(magnitude, Math.abs(expected[i]));
  }
  return difference === 0 ? 0 : difference / magnitude;
};
