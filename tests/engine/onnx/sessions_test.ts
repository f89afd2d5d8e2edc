import { assertLess } from "@std/assert";
import * as tf from "@tensorflow/tfjs-core";
import { compile } from "../../../engine/mod.ts";
import { withoutLeaks } from "../without_leaks.ts";
import { onOnnx } from "./on_onnx.ts";

const MiB = 2 ** 20;

/** MiB that the process grows by, the second time that it runs. */
const grownBy = (run: () => void): number => {
  run();
  const before = Deno.memoryUsage().rss;
  run();
  return (Deno.memoryUsage().rss - before) / MiB;
};

onOnnx("200 functions compiled on onnx, called and freed leave no tensor behind, and take no memory", () => {
  // Weights of a MiB, that each session has for its own.
  const filter = tf.ones([3, 3, 256, 112]) as tf.Tensor4D;
  const grown = withoutLeaks(() =>
    grownBy(() => {
      for (let i = 0; i < 100; i++) {
        const compiled = compile((x: tf.Tensor4D) => tf.conv2d(x, filter, 1, "same"), { byRow: true });
        tf.tidy(() => compiled(tf.ones([1 + i % 3, 2, 2, 256])).dataSync());
        compiled.dispose();
      }
    })
  );
  filter.dispose();
  assertLess(grown, 32);
});

onOnnx("4,000 calls of a compiled function on onnx leave no tensor behind, and take no memory", () => {
  const compiled = compile((x: tf.Tensor) => tf.add(tf.mul(x, 2), 1), { byRow: true });
  const grown = withoutLeaks(() =>
    grownBy(() => {
      for (let i = 0; i < 2000; i++) tf.tidy(() => compiled(tf.ones([1 + i % 5, 10_000])).dataSync());
    })
  );
  compiled.dispose();
  // A quarter of a GiB if nothing were given back; of outputs that no one holds, some wait for the collector.
  assertLess(grown, 96);
});
