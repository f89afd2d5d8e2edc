import { assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { EvaluationError } from "../../../evaluation/error.ts";
import { chooseImages } from "../../../evaluation/likelihood/bound.ts";

const data = { name: "pictures", count: 50 };

Deno.test("chooseImages takes different images, the same for the same seed, the first of more being those of fewer", () => {
  const chosen = chooseImages(data, { n: 20, seed: 3 });
  assertEquals(new Set(chosen).size, 20);
  assertEquals(chooseImages(data, { n: 50, seed: 3 }).slice(0, 20), chosen);
  assertNotEquals(chooseImages(data, { n: 20, seed: 4 }), chosen);
});

Deno.test("chooseImages refuses more than there are", () => {
  assertThrows(
    () => chooseImages(data, { n: 51, seed: 0 }),
    EvaluationError,
    "n must be at most 50, the images of pictures, received 51",
  );
});
