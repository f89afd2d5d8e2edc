import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { createDownsample } from "../../../routes/jobs/metrics.ts";

Deno.test("createDownsample: a series that is short enough stays as it is", () => {
  const { add, rows } = createDownsample(4);
  for (let step = 1; step <= 4; step++) add({ step, loss: 1 / step, lossByQuartile: [step, null] });
  assertEquals(rows()[2], { step: 3, rows: 1, loss: 1 / 3, lossByQuartile: [3, null] });
  assertEquals(rows().length, 4);
});

Deno.test("createDownsample: of a longer one come between half as many rows and as many, each a mean; all steps are in one", () => {
  for (const points of [2, 3, 10, 11]) {
    for (const count of [5, 11, 12, 100, 1001]) {
      const { add, rows } = createDownsample(points);
      for (let step = 1; step <= count; step++) add({ step, loss: step, memory: step % 2 ? null : 8 });
      const thinned = rows() as { step: number; rows: number; loss: number; memory: number | null }[];
      const most = points - points % 2;
      assert(
        thinned.length <= most && thinned.length >= Math.min(count, most / 2),
        `${points} ${count} ${thinned.length}`,
      );
      assertEquals(thinned.reduce((sum, { rows }) => sum + rows, 0), count);
      assertEquals(thinned.at(-1)!.step, count);
      for (const { step, rows, loss, memory } of thinned) {
        assertAlmostEquals(loss, step - (rows - 1) / 2, 1e-9);
        if (rows > 1) assertEquals(memory, 8);
      }
    }
  }
});

Deno.test("createDownsample: what is no number is left out, and fields may come and go", () => {
  const { add, rows } = createDownsample(2);
  add({ step: 1, loss: 1, text: "a", list: [1, 2] });
  add({ step: 2, loss: NaN, other: 4, list: [3, "x"] });
  add({ step: 3, loss: [1], other: 6, list: 5 });
  assertEquals(rows(), [
    { step: 2, rows: 2, loss: 1, list: [2, 2], other: 4 },
    { step: 3, rows: 1, loss: [1], other: 6, list: 5 },
  ]);
});
