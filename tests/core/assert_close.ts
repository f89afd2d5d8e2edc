import { assertAlmostEquals, assertEquals } from "@std/assert";

/** Equal to 1e-6 of the largest magnitude, or of 1: images are float32. */
export const assertClose = (
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  relative = 1e-6,
  message = "",
): void => {
  assertEquals(actual.length, expected.length);
  const scale = Math.max(1, ...Array.from(expected, Math.abs));
  for (let i = 0; i < expected.length; i++) assertAlmostEquals(actual[i], expected[i], relative * scale, message);
};
