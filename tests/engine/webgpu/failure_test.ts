import { assertThrows } from "@std/assert";
import * as tf from "@tensorflow/tfjs-core";
import { onWebgpu } from "./on_webgpu.ts";

onWebgpu("what the device refuses is thrown by the next read, not read as zeros", async ({ device }) => {
  const x = tf.mul(tf.ones([2]), 2);
  device.createBuffer({ size: 16, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.STORAGE });
  await new Promise((resolve) => setTimeout(resolve, 0));
  assertThrows(() => x.dataSync(), Error, "Cannot go on with WebGPU: `MAP` usage");
  x.dispose();
});
