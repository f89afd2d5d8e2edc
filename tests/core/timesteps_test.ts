import { assertEquals, assertThrows } from "@std/assert";
import { checkTimesteps, sectionTimesteps, selectTimesteps, type Spacing } from "../../core/timesteps.ts";

// Made by tests/fixtures/core/trajectories.py from diffusers' schedulers.
interface Case {
  T: number;
  spacing: Spacing;
  offset?: number;
  dropLowest?: boolean;
  sums?: number[];
  steps?: number;
  timesteps?: number[];
}
const cases: Case[] = JSON.parse(
  await Deno.readTextFile(new URL("../fixtures/core/timesteps.json", import.meta.url)),
);

Deno.test("selectTimesteps rounds as diffusers does for every number of steps", () => {
  for (const { T, spacing, offset, dropLowest, sums, steps, timesteps } of cases) {
    if (timesteps !== undefined) assertEquals([...selectTimesteps(T, steps!, { spacing })], timesteps);
    sums?.forEach((sum, i) => {
      const selected = selectTimesteps(T, i + 1, { spacing, offset, dropLowest });
      assertEquals(selected.reduce((total, t, k) => total + (k + 1) * t, 0), sum, `${spacing} ${i + 1} of ${T}`);
    });
  }
});

Deno.test("selectTimesteps descends strictly within 0 … T − 1, whatever the spacing and the number of steps", () => {
  for (const spacing of ["leading", "linspace", "trailing"] as const) {
    for (const dropLowest of [false, true]) {
      for (let steps = 1; steps <= 1000; steps++) {
        const selected = selectTimesteps(1000, steps, { spacing, dropLowest });
        assertEquals(selected.length, steps);
        checkTimesteps(selected, 1000);
      }
    }
  }
});

Deno.test("selectTimesteps refuses what cannot be selected and names the argument", () => {
  assertThrows(() => selectTimesteps(0, 1), RangeError, "T must be an integer ≥ 1, received 0");
  assertThrows(() => selectTimesteps(10, 11), RangeError, "steps must be an integer in [1, 10], received 11");
  assertThrows(() => selectTimesteps(10, 0), RangeError, "steps");
  assertThrows(() => selectTimesteps(10, NaN), RangeError, "received NaN");
  assertThrows(() => selectTimesteps(10, 2.5), RangeError, "received 2.5");
  assertThrows(() => selectTimesteps(10, "5" as unknown as number), TypeError, 'steps must be a number, received "5"');
  assertThrows(() => selectTimesteps(10, 10, { offset: 1 }), RangeError, "offset must be an integer in [0, 0]");
  assertThrows(() => selectTimesteps(10, 5, { spacing: "even" as Spacing }), RangeError, "spacing must be one of");
});

Deno.test("sectionTimesteps takes the counts asked of each section, evenly and with both ends", () => {
  const selected = [...sectionTimesteps(300, "10,15,20")].reverse();
  assertEquals(selected, [...sectionTimesteps(300, [10, 15, 20])].reverse());
  assertEquals(selected.slice(0, 10), [0, 11, 22, 33, 44, 55, 66, 77, 88, 99]);
  assertEquals(selected.filter((t) => t >= 100 && t < 200).length, 15);
  assertEquals(selected.slice(25, 28), [200, 205, 210]);
  assertEquals(selected.at(-1), 299);
  // The first T mod n sections are one longer, and halves round to even: 2.5 to 2, 7.5 to 8.
  assertEquals([...sectionTimesteps(11, [3, 2])], [10, 6, 5, 2, 0]);
  assertEquals([...sectionTimesteps(16, [7])], [15, 12, 10, 8, 5, 2, 0]);
  assertEquals([...sectionTimesteps(1000, [1000])], [...selectTimesteps(1000, 1000)]);
});

Deno.test("sectionTimesteps takes ddimN as an integer stride from 0", () => {
  assertEquals([...sectionTimesteps(1000, "ddim25")], Array.from({ length: 25 }, (_, i) => (24 - i) * 40));
  assertEquals([...sectionTimesteps(10, "ddim4")], [9, 6, 3, 0]);
  assertThrows(() => sectionTimesteps(10, "ddim6"), RangeError, "received ddim6");
});

Deno.test("sectionTimesteps refuses counts that do not fit and text that it cannot parse", () => {
  assertThrows(() => sectionTimesteps(10, [6, 5]), RangeError, "sections[0] must be an integer in [0, 5], received 6");
  assertThrows(() => sectionTimesteps(10, [1, NaN]), RangeError, "sections[1]");
  assertThrows(() => sectionTimesteps(10, [0]), RangeError, "at least 1 timestep");
  assertThrows(() => sectionTimesteps(10, []), RangeError, "sections.length");
  assertThrows(() => sectionTimesteps(10, "3,x"), SyntaxError, 'received "3,x"');
  assertThrows(() => sectionTimesteps(10, ""), SyntaxError, "sections");
  assertThrows(() => sectionTimesteps(10, 5 as unknown as string), TypeError, "sections must be a string or an array");
});

Deno.test("checkTimesteps passes a descending list and names the entry that breaks one", () => {
  assertEquals(checkTimesteps([9, 4, 0], 10), Int32Array.of(9, 4, 0));
  assertThrows(() => checkTimesteps([4, 9], 10), RangeError, "received 9 after 4 at index 1");
  assertThrows(() => checkTimesteps([4, 4], 10), RangeError, "strictly descending");
  assertThrows(() => checkTimesteps([10], 10), RangeError, "timesteps[0] must be an integer in [0, 9], received 10");
  assertThrows(() => checkTimesteps([3, -1], 10), RangeError, "timesteps[1]");
  assertThrows(() => checkTimesteps([NaN], 10), RangeError, "received NaN");
  assertThrows(() => checkTimesteps([1.5], 10), RangeError, "received 1.5");
  assertThrows(() => checkTimesteps([], 10), RangeError, "timesteps.length");
  assertThrows(() => checkTimesteps(["3"] as unknown as number[], 10), TypeError, 'received "3"');
  assertThrows(() => checkTimesteps(undefined as unknown as number[], 10), TypeError, "timesteps");
});
