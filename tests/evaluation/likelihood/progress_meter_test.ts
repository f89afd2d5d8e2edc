import { assertEquals } from "@std/assert";
import { createProgressMeter } from "../../../evaluation/likelihood/bound.ts";
import { createPartialResult } from "../../../evaluation/likelihood/partial_result.ts";

Deno.test("the meter counts answers of the network up to all of them", () => {
  const meter = createProgressMeter({ images: 5, steps: 3, result: createPartialResult(3), batch: 2 });
  const events = [2, 2, 2, 2, 2, 2, 1, 1, 1].map(meter);
  assertEquals(events.map(({ step }) => step), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
  assertEquals([events[0].steps, events[8].steps, events[8].secondsLeft], [9, 9, 0]);
});

Deno.test("the meter of a resumed evaluation counts on from what was done", () => {
  const result = createPartialResult(3);
  result.moments.count = 2;
  result.pending = { size: 2, step: 1, values: new Float64Array(0) };
  const meter = createProgressMeter({ images: 5, steps: 3, result, batch: 2 });
  const events = [2, 2, 1, 1, 1].map(meter);
  assertEquals(events.map(({ step }) => step), [5, 6, 7, 8, 9]);
  assertEquals([events[4].steps, events[4].secondsLeft], [9, 0]);
});
