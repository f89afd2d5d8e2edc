import { assertEquals, assertLess, assertThrows } from "@std/assert";
import * as tf from "@tensorflow/tfjs-core";
import { compile } from "../../../engine/mod.ts";
import { onTensorflow } from "./on_tensorflow.ts";

const MiB = 2 ** 20;

/** A product that TensorFlow refuses, past the checks of `tf.matMul`. */
const multiply = (a: tf.Tensor, b: tf.Tensor) =>
  tf.engine().runKernel("BatchMatMul", { a, b }, { transposeA: false, transposeB: false });

const grownBy = (run: () => void): number => {
  run();
  const before = Deno.memoryUsage().rss;
  run();
  return (Deno.memoryUsage().rss - before) / MiB;
};

onTensorflow("100,000 operations and uploads leave no handle behind, and take no memory", (engine) => {
  const before = { ...engine.context.live };
  const a = tf.ones([64]);
  const grown = grownBy(() => {
    for (let i = 0; i < 50_000; i++) tf.tidy(() => tf.add(tf.mul(a, i), 1)).dispose();
  });
  a.dispose();
  assertEquals(engine.context.live, before);
  assertLess(grown, 32);
});

onTensorflow("10,000 failing operations leave no handle behind, and take no memory", (engine) => {
  const before = { ...engine.context.live };
  const a = tf.ones([2, 2]), b = tf.ones([3, 3]);
  const grown = grownBy(() => {
    for (let i = 0; i < 5_000; i++) assertThrows(() => multiply(a, b), Error, "Cannot run BatchMatMulV2: ");
  });
  tf.dispose([a, b]);
  assertEquals(engine.context.live, before);
  assertLess(grown, 32);
});

onTensorflow("20,000 long strings up and down leave no handle behind, and take no memory", (engine) => {
  const before = { ...engine.context.live };
  const strings = Array.from({ length: 20 }, (_, i) => `${i} ${"x".repeat(5000)}`);
  const grown = grownBy(() => {
    for (let i = 0; i < 500; i++) tf.tidy(() => tf.concat([tf.tensor1d(strings), tf.tensor1d(strings)]).dataSync());
  });
  assertEquals(engine.context.live, before);
  assertLess(grown, 32);
});

onTensorflow("10,000 calls of a compiled function, and 200 compiled anew, leave no handle behind", (engine) => {
  const before = { ...engine.context.live };
  const a = tf.ones([64]), captured = tf.ones([64]);
  const step = (x: tf.Tensor) => tf.add(tf.mul(x, captured), 1);
  const compiled = compile(step);
  const grown = grownBy(() => {
    for (let i = 0; i < 5_000; i++) compiled(a).dispose();
    for (let i = 0; i < 100; i++) {
      const again = compile(step);
      again(a).dispose();
      again.dispose();
    }
  });
  compiled.dispose();
  tf.dispose([a, captured]);
  assertEquals(engine.context.live, before);
  assertLess(grown, 48);
});
