import { assertEquals } from "@std/assert";
import { amount } from "../../files/amount.ts";

Deno.test("amount keeps three digits, by decimal units", () => {
  const sizes = [0, 999, 999.6, 1000, 1234, 99_960, 999_499, 999_600, 142_987_654, 5e9, 2e12, 2e15];
  assertEquals(sizes.map(amount), [
    "0 B",
    "999 B",
    "1.00 kB",
    "1.00 kB",
    "1.23 kB",
    "100 kB",
    "999 kB",
    "1.00 MB",
    "143 MB",
    "5.00 GB",
    "2.00 TB",
    "2.00 PB",
  ]);
});
