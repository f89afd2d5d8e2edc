import { assertEquals } from "@std/assert";
import { nearestName } from "../../../commands/cli/options.ts";

Deno.test("nearestName finds a name with a letter wrong, missing, over or swapped, or cut short", () => {
  const names = ["serve", "train", "sample"];
  assertEquals(["srve", "trainn", "smaple", "sampel", "trian", "samp"].map((typed) => nearestName(typed, names)), [
    "serve",
    "train",
    "sample",
    "sample",
    "train",
    "sample",
  ]);
});

Deno.test("nearestName stays silent where nothing is near", () => {
  assertEquals(nearestName("evaluate", ["serve", "train"]), undefined);
  assertEquals(nearestName("x", []), undefined);
});
