import { assertEquals, assertLessOrEqual, assertThrows } from "@std/assert";
import { createDataset } from "../../../datasets/dataset.ts";
import { EvaluationError } from "../../../evaluation/error.ts";
import { countClasses } from "../../../evaluation/quality/image_sets.ts";

/** Images of one pixel: of class k as many as `counts` says, in the order of the data's own classes. */
const dataset = (classNames: readonly string[], counts: readonly number[]) => {
  const labels = Int32Array.from(counts.flatMap((count, k) => Array<number>(count).fill(k)));
  return createDataset({
    name: "pixels",
    count: labels.length,
    height: 1,
    width: 1,
    channels: 1,
    images: new Uint8Array(labels.length),
    labels,
    classNames,
  });
};

Deno.test("countClasses gives every class its share of the samples, however many there are", () => {
  using data = dataset(["people", "flags", "food"], [70, 25, 5]);
  const { counts, classOf } = countClasses({ labels: ["flags", "food", "people"], nullLabel: 3 }, data, "model");
  assertEquals(counts, [25, 5, 70]);
  for (const n of [20, 100, 1000, 12_345]) {
    const drawn = [0, 0, 0];
    for (let i = 0; i < n; i++) drawn[classOf(i)]++;
    drawn.forEach((count, k) => assertLessOrEqual(Math.abs(count - n * counts[k] / 100), 3));
  }
});

Deno.test("countClasses draws no class that the data has no image of", () => {
  using data = dataset(["a", "b", "c"], [3, 0, 1]);
  const { classOf } = countClasses({ labels: ["a", "b", "c", "d"], nullLabel: null }, data, "model");
  assertEquals(new Set(Array.from({ length: 1000 }, (_, i) => classOf(i))), new Set([0, 2]));
});

Deno.test("countClasses refuses a model without classes", () => {
  using data = dataset(["a"], [1]);
  assertThrows(
    () => countClasses({ labels: null, nullLabel: null }, data, "models/plain"),
    EvaluationError,
    "class-shares must be equal for the model models/plain, which has no classes",
  );
});
