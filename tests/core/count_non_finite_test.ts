import { assertEquals } from "@std/assert";
import { countNonFinite } from "../../core/check.ts";

Deno.test("countNonFinite counts NaN and ±∞ wherever they stand, and finds none among the largest numbers", () => {
  for (let length = 0; length < 10; length++) {
    for (const bad of [NaN, Infinity, -Infinity]) {
      for (let at = 0; at < length; at++) {
        const values = new Float32Array(length);
        values[at] = bad;
        assertEquals(countNonFinite(values), 1);
      }
    }
    assertEquals(countNonFinite(new Float32Array(length).fill(3.4e38)), 0);
    // Their sum is infinite.
    assertEquals(countNonFinite(new Float64Array(length).fill(Number.MAX_VALUE)), 0);
  }
  assertEquals(countNonFinite(Float64Array.of(Infinity, 1, -Infinity, NaN, Number.MAX_VALUE, Number.MAX_VALUE)), 3);
});
