import { assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { batch, createBatchOrder } from "../../datasets/batch.ts";
import { createDataset, type DatasetParts } from "../../datasets/dataset.ts";

const parts: DatasetParts = {
  name: "three",
  images: Uint8Array.of(0, 255, 51, 102, 204, 153),
  count: 3,
  height: 1,
  width: 2,
  channels: 1,
  labels: Uint8Array.of(7, 8, 9),
  classNames: null,
};
const dataset = createDataset(parts);

Deno.test("batch gathers images in [-1, 1] and their classes, in the order asked, repeats allowed", () => {
  const { images, labels } = batch(dataset, [2, 0, 2]);
  assertEquals([...images], [0.6, 0.2, -1, 1, 0.6, 0.2].map(Math.fround));
  assertEquals(labels, Int32Array.of(9, 7, 9));
});

Deno.test("batch has no labels where the dataset has none", () => {
  assertEquals(batch(createDataset({ ...parts, labels: null }), [0]).labels, null);
});

Deno.test("batch refuses an index outside the dataset", () => {
  assertThrows(() => batch(dataset, [0, 3]), RangeError, "indices[1] must be an integer in [0, 2], received 3");
  assertThrows(() => batch(dataset, [-1]), RangeError, "received -1");
});

Deno.test("createBatchOrder shows every image once an epoch, across batches that straddle epochs", () => {
  const indicesAt = createBatchOrder({ length: 10, batchSize: 4, seed: 1 });
  const shown = Array.from({ length: 5 }, (_, step) => [...indicesAt(step)]).flat();
  const all = Array.from({ length: 10 }, (_, i) => i);
  assertEquals(shown.slice(0, 10).toSorted((a, b) => a - b), all);
  assertEquals(shown.slice(10).toSorted((a, b) => a - b), all);
  assertNotEquals(shown.slice(0, 10), shown.slice(10));
});

Deno.test("createBatchOrder answers the same for a step whatever was asked before, so that resuming needs no state", () => {
  const options = { length: 100, batchSize: 32, seed: 5 };
  const straight = createBatchOrder(options);
  const expected = Array.from({ length: 20 }, (_, step) => straight(step));
  const jumping = createBatchOrder(options);
  for (const step of [19, 0, 7, 18, 3]) assertEquals(jumping(step), expected[step]);
});

Deno.test("createBatchOrder repeats images when the batch exceeds the dataset", () => {
  const [...indices] = createBatchOrder({ length: 3, batchSize: 9, seed: 0 })(0);
  assertEquals(indices.toSorted(), [0, 0, 0, 1, 1, 1, 2, 2, 2]);
});

Deno.test("createBatchOrder differs between seeds", () => {
  const order = (seed: number) => createBatchOrder({ length: 1000, batchSize: 64, seed })(0);
  assertNotEquals(order(1), order(2));
});

Deno.test("createBatchOrder of equal shares: each class as often as another, its images once in its own epoch", () => {
  const labels = Int32Array.of(4, 0, 0, 2, 0, 0, 2, 0);
  const indicesAt = createBatchOrder({ length: 8, batchSize: 6, seed: 3, labels });
  const shown = Array.from({ length: 10 }, (_, step) => [...indicesAt(step)]);
  for (const indices of shown) {
    assertEquals(indices.map((i) => labels[i]).toSorted((a, b) => a - b), [0, 0, 2, 2, 4, 4]);
  }
  const zeros = shown.flat().filter((i) => labels[i] === 0);
  for (const epoch of [0, 1, 2, 3]) {
    assertEquals(zeros.slice(5 * epoch, 5 * epoch + 5).toSorted((a, b) => a - b), [1, 2, 4, 5, 7]);
  }
  const again = createBatchOrder({ length: 8, batchSize: 6, seed: 3, labels });
  for (const step of [9, 2, 5]) assertEquals([...again(step)], shown[step]);
});

Deno.test("createBatchOrder refuses sizes below one and steps below zero", () => {
  assertThrows(() => createBatchOrder({ length: 0, batchSize: 1, seed: 0 }), RangeError, "length");
  const labels = [0, 1];
  assertThrows(
    () => createBatchOrder({ length: 3, batchSize: 1, seed: 0, labels }),
    RangeError,
    "labels must be 3, one an image, received 2",
  );
  assertThrows(() => createBatchOrder({ length: 1, batchSize: 0, seed: 0 }), RangeError, "batchSize");
  assertThrows(() => createBatchOrder({ length: 1, batchSize: 1, seed: 0 })(-1), RangeError, "step");
});
