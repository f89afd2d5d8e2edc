import { assertEquals } from "@std/assert";
import { nearest } from "../../commands/nearest.ts";

Deno.test("nearest finds a name with a letter wrong, missing, over or swapped, or cut short", () => {
  const names = ["serve", "train", "sample"];
  assertEquals(["srve", "trainn", "smaple", "sampel", "trian", "samp"].map((typed) => nearest(typed, names)), [
    "serve",
    "train",
    "sample",
    "sample",
    "train",
    "sample",
  ]);
});

Deno.test("nearest stays silent where nothing is near", () => {
  assertEquals(nearest("evaluate", ["serve", "train"]), undefined);
  assertEquals(nearest("x", []), undefined);
});
