import { assertEquals, assertThrows } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import * as tf from "@tensorflow/tfjs-core";
import { openEngine } from "../../engine/mod.ts";
import { createDenoiser, oneHot } from "../../model/denoiser.ts";
import { loadPipeline } from "../../model/pipeline.ts";

const FIXTURES = fromFileUrl(new URL("../fixtures/model/", import.meta.url));

Deno.test("oneHot has a one for each label, and refuses labels that would fall into another row", () => {
  assertEquals(oneHot([2, 0], 3), Float32Array.of(0, 0, 1, 1, 0, 0));
  assertEquals(oneHot([], 3), new Float32Array());
  for (const label of [3, -1, 0.5, NaN]) assertThrows(() => oneHot([0, label], 3), RangeError, "labels[1] must be");
});

Deno.test("createDenoiser wants labels exactly where the network has classes, and x of its size", async () => {
  const engine = await openEngine("wasm");
  const conditional = createDenoiser(engine, await loadPipeline(join(FIXTURES, "conditional")));
  const ddpm = createDenoiser(engine, await loadPipeline(join(FIXTURES, "ddpm")));
  assertThrows(() => conditional.evaluate(new Float32Array(64), [1], null), TypeError, "labels must be given");
  assertThrows(() => conditional.evaluate(new Float32Array(64), [1], [5]), RangeError, "labels[0] must be");
  assertThrows(() => ddpm.evaluate(new Float32Array(192), [1], [0]), TypeError, "labels must be null");
  assertThrows(() => ddpm.evaluate(new Float32Array(191), [1], null), Error);
  conditional.dispose();
  ddpm.dispose();
});

Deno.test("createDenoiser holds no tensor after dispose, and none more after an evaluation, refused ones included", async () => {
  const engine = await openEngine("wasm");
  const before = tf.memory().numTensors;
  const denoiser = createDenoiser(engine, await loadPipeline(join(FIXTURES, "conditional")));
  const loaded = tf.memory().numTensors;
  for (const n of [1, 3]) {
    const out = denoiser.evaluate(new Float32Array(64 * n), Array(n).fill(5), Array(n).fill(1));
    assertEquals(out.length, 64 * n);
  }
  assertThrows(() => denoiser.evaluate(new Float32Array(64), [1], [9]));
  assertEquals(tf.memory().numTensors, loaded);
  denoiser.dispose();
  assertEquals(tf.memory().numTensors, before);
});
