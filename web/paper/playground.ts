/**
 * What a block of the guided reading imports where it runs in the browser: `core/` and the assertions, which count
 * themselves. It is bundled as dist/playground.js, and loaded when a block is first run.
 */
import * as std from "@std/assert";

export * from "../../core/mod.ts";

let held = 0;

/** How many assertions have held since the block began. */
export const assertionsHeld = (): number => held;

const counted = <A extends unknown[]>(check: (...args: A) => void) => (...args: A): void => {
  check(...args);
  held++;
};

export const assert = counted(std.assert);
export const assertAlmostEquals = counted(std.assertAlmostEquals);
export const assertEquals = counted(std.assertEquals);
export const assertLess = counted(std.assertLess);
