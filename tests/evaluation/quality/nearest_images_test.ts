import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { uniform } from "../../../core/noise.ts";
import { createDataset } from "../../../datasets/dataset.ts";
import { openEngine } from "../../../engine/mod.ts";
import { datasetImages } from "../../../evaluation/quality/image_sets.ts";
import { centredBytes, findNearestImages, quantile } from "../../../evaluation/quality/nearest_images.ts";

const SIZE = 4 * 4 * 3;

const bytes = (count: number, seed: number) =>
  Uint8Array.from({ length: count * SIZE }, (_, i) => 256 * uniform(seed, 0, 0, i, 0));

const rmse = (a: Uint8Array, b: Uint8Array) =>
  Math.sqrt(a.reduce((sum, value, i) => sum + (value - b[i]) ** 2, 0) / a.length);

const rowOf = (data: Uint8Array, i: number) => data.subarray(i * SIZE, (i + 1) * SIZE);

Deno.test("findNearestImages finds what looking at every pair finds, over more images than one part", async () => {
  await openEngine("wasm");
  const learned = bytes(2100, 1), samples = bytes(7, 2);
  // One is a copy, in the second part.
  samples.set(rowOf(learned, 2077), 3 * SIZE);
  const dataset = createDataset({
    name: "learned",
    count: 2100,
    height: 4,
    width: 4,
    channels: 3,
    images: learned,
    labels: null,
    classNames: null,
  });
  const rows = { data: centredBytes(samples), count: 7, size: SIZE };
  const seen: number[] = [];
  const found = await findNearestImages(rows, datasetImages(dataset, "learned"), {
    signal: new AbortController().signal,
    onStep: (images) => seen.push(images),
  });
  for (let i = 0; i < 7; i++) {
    const all = Array.from({ length: 2100 }, (_, j) => rmse(rowOf(samples, i), rowOf(learned, j)));
    assertEquals(found.index[i], all.indexOf(Math.min(...all)));
    assertAlmostEquals(found.rmse[i], Math.min(...all), 1e-9);
  }
  assertEquals([found.index[3], found.rmse[3]], [2077, 0]);
  assertEquals(seen, [2048, 52]);
});

Deno.test("quantile is NumPy's", () => {
  // np.quantile([3, 1, 2, 10], [0, .01, .5, .9, 1])
  const shares = [0, 0.01, 0.5, 0.9, 1];
  [1, 1.03, 2.5, 7.9, 10].forEach((value, i) => assertAlmostEquals(quantile([3, 1, 2, 10], shares[i]), value, 1e-12));
  assertThrows(() => quantile([], 0.5), RangeError, "one value at least");
});
