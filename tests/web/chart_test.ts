import { assert, assertEquals } from "@std/assert";
import { spreadLabels } from "../../web/parts/labels.ts";

Deno.test("labels at lines: none upon another, none beyond the bounds, in the order of what they name", () => {
  const wanted = [100, 100, 99, 40, 0, 100];
  const placed = spreadLabels(wanted, { gap: 14, least: 7, most: 100 });
  const sorted = [...placed].sort((a, b) => a - b);
  sorted.forEach((at, i) => assert(i === 0 || at - sorted[i - 1] >= 14));
  assert(sorted[0] >= 7 && sorted.at(-1)! <= 100);
  assert(placed[4] < placed[3] && placed[3] < placed[2] && placed[2] < placed[0]);
  assertEquals(spreadLabels([20, 60], { gap: 14, least: 7, most: 100 }), [20, 60]);
});
