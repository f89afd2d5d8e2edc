import { assertEquals, assertThrows } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import * as tf from "@tensorflow/tfjs-core";
import { type Engine, type EngineName, openEngine } from "../../engine/mod.ts";
import { bucketOf, padTo } from "../../model/bucket.ts";
import { createDenoiser, oneHot } from "../../model/denoiser.ts";
import { loadPipeline } from "../../model/pipeline.ts";
import { whyNot } from "../engine/why_not.ts";

const FIXTURES = fromFileUrl(new URL("../fixtures/model/", import.meta.url));

Deno.test("oneHot has a one for each label, and refuses labels that would fall into another row", () => {
  assertEquals(oneHot([2, 0], 3), Float32Array.of(0, 0, 1, 1, 0, 0));
  assertEquals(oneHot([], 3), new Float32Array());
  for (const label of [3, -1, 0.5, NaN]) assertThrows(() => oneHot([0, label], 3), RangeError, "labels[1] must be");
});

const on = (engine: EngineName, title: string, run: (engine: Engine) => Promise<void>) => {
  const reason = whyNot(engine);
  Deno.test(`${title}, on ${engine} ${reason}`.trimEnd(), { ignore: reason !== "" }, async () => {
    await run(await openEngine(engine));
  });
};

for (const name of ["wasm", "onnx", "tensorflow", "webgpu-software"] as const) {
  on(name, "createDenoiser wants labels exactly where the network has classes, and x of its size", async (engine) => {
    const conditional = createDenoiser(engine, await loadPipeline(join(FIXTURES, "conditional")));
    const ddpm = createDenoiser(engine, await loadPipeline(join(FIXTURES, "ddpm")));
    assertThrows(() => conditional.evaluate(new Float32Array(64), [1], null), TypeError, "labels must be given");
    assertThrows(() => conditional.evaluate(new Float32Array(64), [1], [5]), RangeError, "labels[0] must be");
    assertThrows(() => ddpm.evaluate(new Float32Array(192), [1], [0]), TypeError, "labels must be null");
    assertThrows(() => ddpm.evaluate(new Float32Array(191), [1], null), RangeError, "x must hold 1 images of 8×8×3");
    conditional.dispose();
    ddpm.dispose();
  });

  on(
    name,
    "createDenoiser holds no tensor after dispose, and none more after an evaluation, refused ones included",
    async (engine) => {
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
    },
  );
}

Deno.test("bucketOf is the least of few sizes that takes the rows; padTo fills up with zeros", () => {
  assertEquals([1, 2, 3, 4, 5, 8, 9, 16, 17, 24, 33].map(bucketOf), [1, 2, 4, 4, 8, 8, 16, 16, 24, 24, 40]);
  const values = Float32Array.of(1, 2);
  assertEquals(padTo(values, 3), Float32Array.of(1, 2, 0));
  assertEquals(padTo(values, 2) === values, true);
});
