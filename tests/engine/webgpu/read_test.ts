import { assert, assertEquals } from "@std/assert";
import * as tf from "@tensorflow/tfjs-core";
import { randomValues } from "../random_values.ts";
import { withoutLeaks } from "../without_leaks.ts";
import { onWebgpu } from "./on_webgpu.ts";

onWebgpu("dataSync and data read what was computed, of every type and size, and leak nothing", async () => {
  for (const size of [1, 3, 1000, 1 << 20]) {
    const values = randomValues([size], size);
    const expected = values.map((value) => 2 * value);
    assertEquals(withoutLeaks(() => tf.tidy(() => tf.mul(tf.tensor1d(values), 2).dataSync())), expected);
    const doubled = tf.tidy(() => tf.mul(tf.tensor1d(values), 2));
    assertEquals(await doubled.data(), expected);
    assertEquals(doubled.dataSync(), expected);
    doubled.dispose();
  }
  tf.tidy(() => {
    const integers = tf.tensor1d([-3, 0, 2 ** 20], "int32");
    assertEquals(tf.add(integers, tf.scalar(1, "int32")).dataSync(), Int32Array.of(-2, 1, 2 ** 20 + 1));
    assertEquals(tf.greater(integers, tf.scalar(0, "int32")).dataSync(), Uint8Array.of(0, 0, 1));
    assertEquals(tf.tensor1d(["a", "b"]).dataSync(), ["a", "b"] as unknown as Float32Array);
    assertEquals(tf.mul(tf.zeros([0, 3]), 2).dataSync(), new Float32Array());
  });
});

onWebgpu("a tensor that was read, and changed by whoever read it, is what it was", () => {
  tf.tidy(() => {
    const computed = tf.mul(tf.tensor1d([1, 2]), 3);
    computed.dataSync().fill(9);
    assertEquals(computed.dataSync(), Float32Array.of(3, 6));
    assertEquals(tf.add(computed, 1).dataSync(), Float32Array.of(4, 7));
  });
});

onWebgpu("addN adds more terms than a kernel has bindings", () => {
  for (const count of [1, 2, 7, 8, 9, 33, 300]) {
    const sum = withoutLeaks(() =>
      tf.tidy(() => tf.addN(Array.from({ length: count }, (_, i) => tf.tensor1d([i, 1]))).dataSync())
    );
    assertEquals(sum, Float32Array.of(count * (count - 1) / 2, count));
  }
});

onWebgpu("a thousand products made and freed hold no more of the device's memory than ten", (backend) => {
  const x = tf.tensor(randomValues([64, 64], 1), [64, 64]);
  const multiply = (times: number) => {
    for (let i = 0; i < times; i++) tf.tidy(() => tf.matMul(x as tf.Tensor2D, x as tf.Tensor2D).dataSync());
    return backend.memory().numBytesAllocatedInGPU;
  };
  const allocated = multiply(10);
  assert(multiply(1000) <= allocated);
  x.dispose();
});

onWebgpu("what products of other sizes took of the device's memory is given back", (backend) => {
  const multiply = (size: number) =>
    tf.tidy(() => {
      const x = tf.ones([size, size]) as tf.Tensor2D;
      tf.matMul(x, x).dataSync();
      return backend.memory().numBytesAllocatedInGPU;
    });
  for (let i = 0; i < 40; i++) multiply(8);
  const small = multiply(8);
  for (let size = 1; size < 100; size++) multiply(size);
  for (let i = 0; i < 40; i++) multiply(8);
  assertEquals(multiply(8), small);
});
