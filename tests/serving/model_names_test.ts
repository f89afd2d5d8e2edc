import { assertEquals } from "@std/assert";
import { modelNames } from "../../serving/models.ts";

Deno.test("modelNames are the folders' base names, numbered where another has the name already", () => {
  assertEquals(modelNames(["models/digits", "runs/a/checkpoints/step-10/", "runs/b/checkpoints/step-10"]), [
    "digits",
    "step-10",
    "step-10-2",
  ]);
  assertEquals(modelNames(["a", "b/a", "a-2", "a"]), ["a", "a-2", "a-2-2", "a-3"]);
  assertEquals(modelNames([".", "../..", "/"]), ["model", "model-2", "model-3"]);
});
