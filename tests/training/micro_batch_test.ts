import { assertEquals, assertLess, assertNotEquals } from "@std/assert";
import { createDataset } from "../../datasets/dataset.ts";
import { allocateMicroBatch, type BatchPlan, createBatchPreparer } from "../../training/micro_batch.ts";

const dataset = createDataset({
  name: "checkers",
  images: Uint8Array.from({ length: 8 * 12 }, (_, i) => (i * 37) % 256),
  count: 8,
  height: 2,
  width: 3,
  channels: 2,
  labels: Uint8Array.from({ length: 8 }, (_, i) => i % 3),
  classNames: ["a", "b", "c"],
});
const plan: BatchPlan = {
  seed: 5,
  batch: 8,
  microBatch: 8,
  flip: false,
  classShares: "data",
  labelDropout: 0,
  nullLabel: 3,
  masks: { rate: 0.25, sizes: [8, 20] },
};
const prepare = (changes: Partial<BatchPlan>, step = 0, part = 0) => {
  const changed = { ...plan, ...changes };
  const into = allocateMicroBatch(dataset, changed);
  createBatchPreparer(dataset, changed)(step, part, into);
  return into;
};

Deno.test("createBatchPreparer: the parts of a batch are the whole batch's, in all they hold", () => {
  const whole = prepare({ flip: true, labelDropout: 0.5 }, 2);
  for (const part of [0, 1, 2, 3]) {
    const { images, noise, labels, masks } = prepare({ flip: true, labelDropout: 0.5, microBatch: 2 }, 2, part);
    const cut = <A extends { subarray(from: number, to: number): A }>(values: A, size: number) =>
      values.subarray(part * 2 * size, (part + 1) * 2 * size);
    assertEquals(images, cut(whole.images, 12));
    assertEquals(noise, cut(whole.noise, 12));
    assertEquals(labels, cut(whole.labels!, 1));
    assertEquals(masks![0], cut(whole.masks![0], 8));
    assertEquals(masks![1], cut(whole.masks![1], 20));
  }
});

Deno.test("createBatchPreparer: an epoch shows each image once, its bytes in [-1, 1], with its class", () => {
  const { images, labels } = prepare({});
  const shown = Array.from({ length: 8 }, (_, i) => [labels![i], ...images.subarray(i * 12, (i + 1) * 12)].join());
  const expected = Array.from({ length: 8 }, (_, index) => {
    const bytes = new Uint8Array(12);
    dataset.read(index, bytes);
    return [dataset.labels![index], ...Float32Array.from(bytes, (byte) => byte / 127.5 - 1)].join();
  });
  assertEquals(shown.toSorted(), expected.toSorted());
});

Deno.test("createBatchPreparer: with equal shares each class comes as often as another, whatever the part", () => {
  const { labels } = prepare({ classShares: "equal", batch: 12, microBatch: 12 });
  assertEquals(labels!.toSorted(), Int32Array.of(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2));
  const half = prepare({ classShares: "equal", batch: 12, microBatch: 6 }, 0, 1);
  assertEquals(half.labels, labels!.slice(6));
});

Deno.test("createBatchPreparer: with flip, about half of the images are mirrored, the others are not", () => {
  let mirrored = 0;
  const steps = 100;
  const plain = { ...plan, masks: null }, flipped = { ...plain, flip: true };
  const [a, b] = [plain, flipped].map((plan) => ({
    part: allocateMicroBatch(dataset, plan),
    run: createBatchPreparer(dataset, plan),
  }));
  for (let step = 0; step < steps; step++) {
    a.run(step, 0, a.part);
    b.run(step, 0, b.part);
    for (let i = 0; i < 8; i++) {
      const [x, y] = [a, b].map(({ part }) => [...part.images.subarray(i * 12, (i + 1) * 12)]);
      const mirror = x.map((_, k) => x[Math.floor(k / 6) * 6 + (2 - Math.floor(k / 2) % 3) * 2 + k % 2]);
      if (y.join() === mirror.join()) mirrored++;
      else assertEquals(y, x);
    }
  }
  // Standard deviation: √(800 / 4) = 14.
  assertLess(Math.abs(mirrored - 400), 5 * 14);
});

Deno.test("createBatchPreparer: classes are dropped at their rate, and masks keep at theirs", () => {
  let dropped = 0, kept = 0;
  const changed = { ...plan, labelDropout: 0.25 };
  const part = allocateMicroBatch(dataset, changed), run = createBatchPreparer(dataset, changed);
  for (let step = 0; step < 500; step++) {
    run(step, 0, part);
    dropped += part.labels!.filter((label) => label === 3).length;
    kept += part.masks![1].reduce((sum, value) => sum + value, 0);
  }
  // Standard deviations: √(4000 · 3 / 16) = 27 and √(80000 · 3 / 16) = 122.
  assertLess(Math.abs(dropped - 1000), 5 * 27);
  assertLess(Math.abs(kept - 60_000), 5 * 122);
});

Deno.test("createBatchPreparer: the same step gives the same bits, another step or seed does not", () => {
  assertEquals(prepare({}, 3), prepare({}, 3));
  assertNotEquals(prepare({}, 3).noise, prepare({}, 4).noise);
  assertNotEquals(prepare({}, 3).masks, prepare({}, 4).masks);
  assertNotEquals(prepare({}, 3).noise, prepare({ seed: 6 }, 3).noise);
});

Deno.test("createBatchPreparer: without classes and masks there are none", () => {
  const { labels, masks } = prepare({ nullLabel: null, masks: null });
  assertEquals([labels, masks], [null, null]);
});
