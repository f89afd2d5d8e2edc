import { assertAlmostEquals, assertEquals, assertGreater } from "@std/assert";
import { createStepClock, lossByQuartile } from "../../training/metrics.ts";

Deno.test("lossByQuartile is each quarter's mean, and null where no image fell", () => {
  assertEquals(lossByQuartile([0, 249, 250, 999], [1, 3, 5, 7], 1000), [2, 5, null, 7]);
  assertEquals(lossByQuartile([0, 1, 2], [1, 2, 3], 3), [1, 2, 3, null]);
});

Deno.test("a step clock tells images a second and the share outside the compiled step", () => {
  let now = 0;
  const clock = createStepClock(8, { now: () => now });
  for (let step = 0; step < 3; step++) {
    now += 10;
    assertEquals(clock.inStep(() => now += 90), now);
    const { imagesPerSecond, outsideShare, memory } = clock.lap();
    assertAlmostEquals(imagesPerSecond, 80, 1e-9);
    assertAlmostEquals(outsideShare, 0.1, 1e-9);
    assertGreater(memory, 0);
  }
});

Deno.test("a step clock forgets what lies before a restart, and more than 20 steps back", () => {
  let now = 0;
  const clock = createStepClock(1, { now: () => now });
  now += 5000;
  clock.restart();
  now += 1000;
  assertAlmostEquals(clock.lap().imagesPerSecond, 1, 1e-9);
  for (let step = 0; step < 20; step++) {
    now += 500;
    clock.lap();
  }
  assertAlmostEquals(clock.lap().imagesPerSecond, 20 / 9.5, 1e-9);
});
