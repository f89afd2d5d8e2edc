import { assertEquals } from "@std/assert";
import { lossByQuartile } from "../../../jobs/training/loss_by_quartile.ts";

Deno.test("lossByQuartile is each quarter's mean, and null where no image fell", () => {
  assertEquals(lossByQuartile([0, 249, 250, 999], [1, 3, 5, 7], 1000), [2, 5, null, 7]);
  assertEquals(lossByQuartile([0, 1, 2], [1, 2, 3], 3), [1, 2, 3, null]);
});
