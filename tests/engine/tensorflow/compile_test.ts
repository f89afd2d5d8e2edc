import { assertEquals, assertLess, assertThrows } from "@std/assert";
import * as tf from "@tensorflow/tfjs-core";
import { uniform } from "../../../core/mod.ts";
import { compile, openEngine } from "../../../engine/mod.ts";
import { randomValues } from "../random_values.ts";
import { relativeError } from "../relative_error.ts";
import { withoutLeaks } from "../without_leaks.ts";
import { onTensorflow } from "./on_tensorflow.ts";

const SIZE = 6;

const STEPS: ((a: tf.Tensor, b: tf.Tensor) => tf.Tensor)[] = [
  (a, b) => tf.add(a, b),
  (a, b) => tf.mul(a, tf.erf(b)),
  (a, b) => tf.sub(b, tf.mul(a, 0.5)),
  (a, b) => tf.div(a, tf.add(tf.square(b), 1)),
  (a, b) => tf.softmax(tf.matMul(a as tf.Tensor2D, b as tf.Tensor2D, false, true)),
  (a, b) => tf.concat(tf.split(tf.add(a, b), [2, 4], 1).reverse(), 1),
  (a) => tf.erf(tf.transpose(a)),
  (a) => tf.sub(a, tf.mean(a, 0, true)),
  (a, b) => tf.reshape(tf.split(tf.reshape(tf.concat([a, b]), [2, SIZE, SIZE]), 2)[1], [SIZE, SIZE]),
  (a, b) => tf.add(tf.sum(a), tf.mul(b, tf.tensor1d([1, 2, 3, 4, 5, 6]))),
];

/** A random expression of two matrices: each step takes two of the values before it. */
const expression = (seed: number) => (...inputs: tf.Tensor[]): tf.Tensor => {
  const pick = (step: number, what: number, count: number) => Math.floor(uniform(seed, 0, step, what, 0) * count);
  const values = [...inputs];
  for (let i = 0; i < 12; i++) {
    const a = values[pick(i, 0, values.length)], b = values[pick(i, 1, values.length)];
    values.push(STEPS[pick(i, 2, STEPS.length)](a, b));
  }
  return tf.erf([...inputs, ...values.slice(-4)].reduce((a, b) => tf.add(a, b)));
};

const matrix = (seed: number) => tf.tensor2d(randomValues([SIZE, SIZE], seed), [SIZE, SIZE]);

onTensorflow("60 random expressions, and their gradients, are the same compiled as run one by one, to 1e-5", () => {
  for (let seed = 0; seed < 60; seed++) {
    const value = expression(seed);
    const both = (a: tf.Tensor, b: tf.Tensor) => {
      const { value: loss, grads } = tf.valueAndGrads((a, b) => tf.sum(tf.square(value(a, b))) as tf.Scalar)([a, b]);
      return { out: value(a, b), loss, grads };
    };
    const compiled = compile(both);
    withoutLeaks(() =>
      tf.tidy(() => {
        const a = matrix(seed), b = matrix(seed + 1000);
        const expected = both(a, b), actual = compiled(a, b);
        const list = ({ out, loss, grads }: typeof expected) => [out, loss, ...grads].map((t) => t.dataSync());
        list(actual).forEach((values, i) =>
          assertLess(relativeError(values, list(expected)[i]), 1e-5, `expression ${seed}, output ${i}`)
        );
      })
    );
    compiled.dispose();
  }
});

onTensorflow(
  "compile compiles once a shape, and gives back what it is given: inputs, constants, captured tensors",
  (engine) => {
    let traces = 0;
    const before = { ...engine.context.live };
    const outside = tf.tensor1d([7]);
    const compiled = compile((a: tf.Tensor, b: tf.Tensor) => {
      traces++;
      return { same: a, twice: [b, b], constant: tf.scalar(5), outside, sum: tf.add(a, outside) };
    });
    tf.tidy(() => {
      const read = (a: tf.Tensor, b: tf.Tensor) => {
        const { same, twice, constant, outside, sum } = compiled(a, b);
        return [same, ...twice, constant, outside, sum].map((t) => [...t.dataSync()]);
      };
      assertEquals(read(tf.tensor1d([1]), tf.tensor1d([2])), [[1], [2], [2], [5], [7], [8]]);
      assertEquals(read(tf.tensor1d([3]), tf.tensor1d([4])), [[3], [4], [4], [5], [7], [10]]);
      assertEquals(traces, 1);
      assertEquals(read(tf.tensor1d([1, 2]), tf.tensor1d([2])), [[1, 2], [2], [2], [5], [7], [8, 9]]);
      assertEquals(read(tf.tensor1d([1, 2], "int32"), tf.tensor1d([2])), [[1, 2], [2], [2], [5], [7], [8, 9]]);
      assertEquals(traces, 3);
    });
    // What it captured outlives the tensor, until it is disposed of.
    outside.dispose();
    tf.tidy(() => assertEquals([...compiled(tf.tensor1d([1]), tf.tensor1d([2])).sum.dataSync()], [8]));
    compiled.dispose();
    assertEquals(engine.context.live, before);
  },
);

onTensorflow("a tensor from outside that is first used in a trace is captured, and stays usable outside", () => {
  tf.tidy(() => {
    const fresh = tf.tensor1d([1, 2]);
    const first = compile((x: tf.Tensor) => tf.mul(x, fresh)), second = compile((x: tf.Tensor) => tf.add(x, fresh));
    assertEquals([...first(tf.scalar(3)).dataSync()], [3, 6]);
    assertEquals([...second(tf.scalar(3)).dataSync()], [4, 5]);
    assertEquals([...tf.add(fresh, 1).dataSync()], [2, 3]);
    first.dispose();
    second.dispose();
  });
});

onTensorflow("compile refuses to read values, to draw random numbers, and shapes that depend on values", (engine) => {
  const before = { ...engine.context.live };
  const a = tf.tensor1d([1, 2]), fresh = tf.tensor1d([3]);
  const refuses = (fn: (x: tf.Tensor) => tf.Tensor, message: string) => {
    withoutLeaks(() => assertThrows(() => compile(fn)(a), Error, message));
  };
  const read = "Cannot read a tensor's values in a function that is being compiled";
  refuses((x) => tf.mul(x, x.dataSync()[0]), read);
  refuses((x) => tf.mul(x, tf.add(x, 1).dataSync()[0]), read);
  refuses((x) => tf.mul(x, a.dataSync()[0]), read);
  refuses((x) => tf.mul(x, fresh.dataSync()[0]), read);
  refuses((x) => tf.add(x, tf.randomNormal([2])), "Cannot compile random numbers: ");
  refuses((x) => tf.add(x, tf.multinomial(tf.tensor1d([1, 2]), 2, 1)), "Cannot compile Multinomial: ");
  refuses((x) => tf.cumsum(tf.gather(x, tf.unique(x).indices)), "Cannot compile Unique");
  refuses(() => {
    throw new RangeError("of its own");
  }, "of its own");
  tf.tidy(() => assertEquals([...tf.mul(a, tf.randomUniform([2], 1, 1)).dataSync()], [1, 2]));
  tf.dispose([a, fresh]);
  assertEquals(engine.context.live, before);
});

onTensorflow("a tensor that is kept beyond its trace is told as that", () => {
  let kept: tf.Tensor | undefined;
  const compiled = compile((x: tf.Tensor) => {
    kept = tf.keep(tf.add(x, 1));
    return tf.mul(kept, 2);
  });
  const a = tf.scalar(1);
  assertEquals(tf.tidy(() => compiled(a).dataSync()[0]), 4);
  assertThrows(() => tf.add(kept!, 1), Error, "made while a function was compiled");
  assertThrows(() => kept!.dataSync(), Error, "made while a function was compiled");
  kept!.dispose();
  a.dispose();
  compiled.dispose();
});

onTensorflow("a compiled function within another, and within tfjs's gradients, runs as it is", () => {
  const square = compile((x: tf.Tensor) => tf.mul(x, x));
  const outer = compile((x: tf.Tensor) => tf.add(square(x), 1));
  tf.tidy(() => {
    assertEquals(outer(tf.scalar(3)).dataSync()[0], 10);
    assertEquals(tf.grad((x) => square(x))(tf.scalar(3)).dataSync()[0], 6);
  });
  outer.dispose();
  square.dispose();
});

for (const engine of ["wasm", "cpu"] as const) {
  Deno.test(`compile on ${engine} runs the function as it is, and frees what it makes on the way`, async () => {
    await openEngine(engine);
    const compiled = compile((a: tf.Tensor, b: tf.Tensor) => ({ parts: [tf.add(tf.mul(a, b), 1)] }));
    withoutLeaks(() => {
      const a = tf.scalar(3), b = tf.scalar(4);
      const { parts } = compiled(a, b);
      assertEquals(parts[0].dataSync()[0], 13);
      tf.dispose([a, b, parts]);
    });
    compiled.dispose();
  });
}
