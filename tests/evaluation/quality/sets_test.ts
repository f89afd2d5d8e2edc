import { assertAlmostEquals, assertEquals, assertLess, assertRejects, assertThrows } from "@std/assert";
import { openEngine } from "../../../engine/mod.ts";
import { inceptionScore } from "../../../evaluation/quality/inception_score.ts";
import { kernelDistance } from "../../../evaluation/quality/kernel_distance.ts";
import { precisionRecall } from "../../../evaluation/quality/precision_recall.ts";
import { expected, rows } from "./fixture.ts";

Deno.test("kernelDistance of whole sets is clean-fid's to 1e-6", async () => {
  await openEngine("wasm");
  const { value, subsetSize } = await kernelDistance(rows("samples"), rows("real", 220), { subsets: 1 });
  assertEquals(subsetSize, 220);
  assertAlmostEquals(value, expected.kernel, 1e-6 * expected.kernel);
});

Deno.test("kernelDistance is the same for the same seed, tells its error, and agrees with the whole within it", async () => {
  await openEngine("wasm");
  const options = { subsets: 40, subsetSize: 60 };
  const a = await kernelDistance(rows("samples"), rows("real"), options);
  assertEquals(await kernelDistance(rows("samples"), rows("real"), options), a);
  assertAlmostEquals(a.standardError, a.deviation / Math.sqrt(39), 1e-12);
  assertLess(Math.abs(a.value - expected.kernel), 6 * a.standardError);
  const { data, size } = rows("real");
  const half = (first: number) => ({
    data: data.slice(first * 130 * size, (first + 1) * 130 * size),
    count: 130,
    size,
  });
  const alike = await kernelDistance(half(0), half(1), options);
  assertLess(Math.abs(alike.value), 6 * alike.standardError);
});

Deno.test("kernelDistance refuses sets of one row", async () => {
  await assertRejects(
    () => kernelDistance(rows("real", 1), rows("real")),
    RangeError,
    "at least 2 rows, received 1 and 260",
  );
});

Deno.test("precisionRecall is torch-fidelity's", async () => {
  await openEngine("wasm");
  const { precision, recall } = await precisionRecall(rows("samples", 200), rows("real", 200));
  assertAlmostEquals(precision, expected.precision, 1e-6);
  assertAlmostEquals(recall, expected.recall, 1e-6);
});

Deno.test("precisionRecall of a set with itself is 1, and of sets far apart 0", async () => {
  await openEngine("wasm");
  const far = { ...rows("samples"), data: rows("samples").data.map((value) => value + 100) };
  const itself = await precisionRecall(rows("real"), rows("real"));
  assertEquals([itself.precision, itself.recall], [1, 1]);
  const apart = await precisionRecall(far, rows("real"));
  assertEquals([apart.precision, apart.recall], [0, 0]);
});

Deno.test("precisionRecall refuses sets without a third neighbour", async () => {
  await assertRejects(
    () => precisionRecall(rows("real", 3), rows("real")),
    RangeError,
    "more than 3 rows, received 3 and 260",
  );
});

Deno.test("inceptionScore is torch-fidelity's to 1e-6", () => {
  const { value, deviation } = inceptionScore(rows("logits"), { splits: 1 });
  assertAlmostEquals(value, expected.inception_score, 1e-6);
  assertEquals(deviation, 0);
});

Deno.test("inceptionScore is the number of classes where each image is surely of one, all alike often", () => {
  const data = new Float32Array(50 * 5);
  for (let i = 0; i < 50; i++) data[i * 5 + i % 5] = 1000;
  assertAlmostEquals(inceptionScore({ data, count: 50, size: 5 }, { splits: 1 }).value, 5, 1e-9);
  assertThrows(() => inceptionScore({ data, count: 5, size: 50 }), RangeError, "at least 10 rows, received 5");
});
