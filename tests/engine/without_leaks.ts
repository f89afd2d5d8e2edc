import { assertEquals } from "@std/assert";
import * as tf from "@tensorflow/tfjs-core";

/** Runs `compute` and checks that as many tensors, buffers and bytes are held after it as before. */
export const withoutLeaks = <T>(compute: () => T): T => {
  const held = () => {
    const { numTensors, numDataBuffers, numBytes } = tf.memory();
    return { numTensors, numDataBuffers, numBytes };
  };
  const before = held();
  const result = compute();
  assertEquals(held(), before, "held after, and before");
  return result;
};
