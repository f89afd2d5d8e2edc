import { assertEquals, assertStrictEquals } from "@std/assert";
import * as tf from "@tensorflow/tfjs-core";
import { keepFaster } from "../../engine/compile.ts";
import { openEngine } from "../../engine/mod.ts";
import { withoutLeaks } from "./without_leaks.ts";

const spin = (milliseconds: number) => {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
};

/** A compiled function that takes at least so long, and longer at first. */
const candidate = ({ milliseconds, first = 0, fails = false }: {
  milliseconds: number;
  first?: number;
  fails?: boolean;
}) => {
  const counts = { runs: 0, freed: 0 };
  return {
    counts,
    run: ([x]: readonly tf.Tensor[]) => {
      if (fails) throw new Error("Cannot run");
      spin(counts.runs++ === 0 ? first : milliseconds);
      return [tf.add(x, 1), tf.sum(x)];
    },
    free: () => void counts.freed++,
  };
};

const choose = async (usual: ReturnType<typeof candidate>, make: () => ReturnType<typeof candidate>) => {
  await openEngine("cpu");
  const x = tf.tensor1d([1, 2]);
  let kept;
  withoutLeaks(() => kept = keepFaster(usual, make, [x]));
  x.dispose();
  return kept;
};

Deno.test("keepFaster keeps the faster of two, whatever the first run of each took, and frees the other", async () => {
  const cases = [{ usual: 40, other: 0, keepsOther: true }, { usual: 0, other: 40, keepsOther: false }];
  for (const { usual, other, keepsOther } of cases) {
    const one = candidate({ milliseconds: usual, first: other }),
      two = candidate({ milliseconds: other, first: usual });
    assertStrictEquals(await choose(one, () => two), keepsOther ? two : one);
    assertEquals([one.counts.freed, two.counts.freed], keepsOther ? [1, 0] : [0, 1]);
    assertEquals(one.counts.runs, two.counts.runs);
  }
});

Deno.test("keepFaster keeps the usual one where the other cannot be made, or be run", async () => {
  const usual = candidate({ milliseconds: 0 });
  const refuse = () => {
    throw new Error("Cannot compile");
  };
  assertStrictEquals(await choose(usual, refuse), usual);
  const failing = candidate({ milliseconds: 0, fails: true });
  assertStrictEquals(await choose(usual, () => failing), usual);
  assertEquals([usual.counts.freed, failing.counts.freed], [0, 1]);
});
