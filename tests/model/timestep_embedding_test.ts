import { assertEquals, assertLess } from "@std/assert";
import { fromFileUrl } from "@std/path";
import * as tf from "@tensorflow/tfjs-core";
import { openEngine } from "../../engine/mod.ts";
import { embedTimesteps, timestepEmbedding } from "../../model/unet.ts";

interface Golden {
  size: number;
  freqShift: number;
  flipSinToCos: boolean;
  embedding: number[];
}

const { timesteps, embeddings }: { timesteps: number[]; embeddings: Golden[] } = JSON.parse(
  await Deno.readTextFile(fromFileUrl(new URL("../fixtures/model/timesteps.json", import.meta.url))),
);

for (const { embedding: expected, ...options } of embeddings) {
  const name = `size ${options.size}, freq_shift ${options.freqShift}, flip_sin_to_cos ${options.flipSinToCos}`;
  Deno.test(`timestepEmbedding is diffusers' up to t = 999: ${name}`, () => {
    const embedding = timestepEmbedding(timesteps, options);
    assertEquals(embedding.length, expected.length);
    // PyTorch's exp is one unit in the last place off at 2 of 64 frequencies, which t = 999 makes 3e-5 of an angle.
    const tolerance = options.size === 128 && options.freqShift === 0 ? 4e-5 : 1e-7;
    embedding.forEach((value, i) => assertLess(Math.abs(value - expected[i]), tolerance, `value ${i}`));
  });
}

Deno.test("embedTimesteps is timestepEmbedding on the engine", async () => {
  await openEngine("wasm");
  for (const { embedding: _, ...options } of embeddings) {
    const embedding = tf.tidy(() => embedTimesteps(tf.tensor1d(timesteps, "int32"), options).arraySync());
    assertEquals(embedding.map(({ length }) => length), timesteps.map(() => options.size));
    const expected = timestepEmbedding(timesteps, options);
    embedding.flat().forEach((value, i) => assertLess(Math.abs(value - expected[i]), 3e-7, `value ${i}`));
  }
});

Deno.test("timestepEmbedding has a row for each timestep, which depends on it alone", () => {
  const options = { size: 16, freqShift: 0, flipSinToCos: true };
  const all = timestepEmbedding(timesteps, options);
  for (const [i, t] of timesteps.entries()) {
    assertEquals(timestepEmbedding([t], options), all.slice(16 * i, 16 * (i + 1)));
  }
  assertEquals(timestepEmbedding([], options), new Float32Array());
});
