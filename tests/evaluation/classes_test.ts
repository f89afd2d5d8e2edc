import { assertEquals, assertThrows } from "@std/assert";
import { matchClasses } from "../../evaluation/classes.ts";
import { EvaluationError } from "../../evaluation/error.ts";

const data = (classNames: string[] | null) => ({
  name: "pictures",
  labels: classNames && new Uint8Array(1),
  classNames,
});
const model = (labels: string[] | null) => ({ labels, nullLabel: null });

Deno.test("matchClasses finds a model's classes by their names, in whatever order", () => {
  assertEquals(matchClasses(model(["cat", "dog", "bird"]), data(["bird", "cat"])), [2, 0]);
});

Deno.test("matchClasses goes by number where a model's classes have no other names", () => {
  assertEquals(matchClasses(model(["0", "1", "2"]), data(["bird", "cat"])), [0, 1]);
});

Deno.test("matchClasses is null for a model without classes, whatever the data has", () => {
  assertEquals(matchClasses(model(null), data(["bird"])), null);
  assertEquals(matchClasses(model(null), data(null)), null);
});

Deno.test("matchClasses names the classes that are none of the model's, and data that has none", () => {
  assertThrows(
    () => matchClasses(model(["cat", "dog"]), data(["bird", "cat"])),
    EvaluationError,
    "data must have the model's classes alone (cat, dog), received pictures, with bird",
  );
  assertThrows(
    () => matchClasses(model(["cat", "dog"]), data(null)),
    EvaluationError,
    "data must have classes for a model of classes (cat, dog), received pictures, with none",
  );
  assertThrows(() => matchClasses(model(["0", "1"]), data(["a", "b", "c"])), EvaluationError, "with a, b, c");
});
