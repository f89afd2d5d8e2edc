import { assert, assertEquals } from "@std/assert";
import * as tf from "@tensorflow/tfjs-core";
import { uniform } from "../../core/mod.ts";
import { compile } from "../../engine/mod.ts";
import { openOnnx } from "../../engine/onnx/mod.ts";
import { createDenoiser } from "../../model/denoiser.ts";
import { attention } from "../../model/layers.ts";
import { Weights } from "../../model/weights.ts";
import { randomValues } from "../engine/random_values.ts";
import { whyNot } from "../engine/why_not.ts";
import { evaluateRows, MODELS, randomRow } from "./rows.ts";

const reason = whyNot("onnx");
const MOST = 64;
const EVERY = Array.from({ length: MOST }, (_, i) => i + 1);

/** How many values are not the very same. */
const differences = (a: Float32Array, b: Float32Array) => a.filter((value, i) => !Object.is(value, b[i])).length;

for (const [name, open] of Object.entries(MODELS)) {
  const title = `U-Net ${name} on onnx: a row has the same bits in batches of 1 to ${MOST}, by 1, 2 and 4 threads`;
  Deno.test(`${title} ${reason}`.trimEnd(), { ignore: reason !== "" }, async () => {
    const pipeline = await open();
    let alone: Float32Array | undefined;
    for (const threads of [1, 2, 4]) {
      const denoiser = createDenoiser(await openOnnx({ threads }), pipeline);
      const subject = randomRow(denoiser, 1);
      alone ??= evaluateRows(denoiser, [subject])[0];
      assert(alone.every(Number.isFinite) && new Set(alone).size > alone.length / 2);
      // Neighbours of their own kind, and of a size that would show in any shared sum.
      const neighbours = EVERY.map((i) => randomRow(denoiser, 50 + i, i % 2 === 0 ? 1 : 1e4));
      // Of large images a third of the sizes: all would take half of the time that these tests do.
      for (const count of EVERY.filter((count) => denoiser.width <= 16 || count % 3 === 1)) {
        const position = Math.floor(uniform(threads, 0, count, 0, 0) * count);
        const from = Math.floor(uniform(threads, 0, count, 1, 0) * MOST);
        const rows = Array.from({ length: count }, (_, i) => neighbours[(from + i) % MOST]).with(position, subject);
        const different = differences(evaluateRows(denoiser, rows)[position], alone);
        assertEquals(different, 0, `of ${alone.length}: row ${position} of ${count}, ${threads} threads`);
      }
      denoiser.dispose();
    }
  });
}

const many = "attention of more channels than its 256 pixels on onnx: a row has the same bits by 1 to 32 threads";
Deno.test(`${many} ${reason}`.trimEnd(), { ignore: reason !== "" }, async () => {
  const channels = 320, side = 16, size = side * side * channels;
  const shapes = Object.fromEntries(
    ["to_q", "to_k", "to_v", "to_out.0"].flatMap((part) => [
      [`at.${part}.weight`, [channels, channels]],
      [`at.${part}.bias`, [channels]],
    ]),
  );
  const row = randomValues([size], 1), others = randomValues([3 * size], 2);
  let alone: Float32Array | undefined;
  for (const threads of [1, 2, 8, 32]) {
    await openOnnx({ threads });
    const weights = new Weights(
      new Map(
        Object.entries(shapes).map(([name, shape], i) => [
          name,
          tf.tensor(randomValues(shape, 10 + i).map((value) => value / Math.sqrt(channels)), shape),
        ]),
      ),
    );
    const layer = compile(
      (x: tf.Tensor4D) => attention(x, weights, "at", { headDim: channels, groups: null, eps: 0 }),
      { byRow: true },
    );
    for (const count of [1, 2, 3]) {
      const x = others.slice(0, count * size);
      x.set(row, (count - 1) * size);
      const out = tf.tidy(() => layer(tf.tensor4d(x, [count, side, side, channels])).dataSync() as Float32Array);
      const last = out.slice((count - 1) * size);
      alone ??= last;
      assertEquals(differences(last, alone), 0, `of ${size}: the last of ${count}, ${threads} threads`);
    }
    layer.dispose();
    weights.dispose();
  }
});
