import { assertAlmostEquals, assertEquals, assertGreater } from "@std/assert";
import { createStepClock } from "../../../jobs/training/timing.ts";

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
