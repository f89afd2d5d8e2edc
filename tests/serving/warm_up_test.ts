import { assertEquals } from "@std/assert";
import { bucketOf } from "../../model/bucket.ts";
import type { LoadedModel } from "../../serving/loaded_model.ts";
import { warmUp } from "../../serving/warm_up.ts";

const fakeModels = (bucketOf: (rows: number) => number) => {
  const asked: string[] = [];
  const models = ["a", "b"].map((name) =>
    ({ network: { bucketOf }, warm: (rows: number) => void asked.push(`${name}${rows}`) }) as unknown as LoadedModel
  );
  const run = (options: { capacity: number; compiles: boolean }) => {
    const next = warmUp(models, options);
    while (next());
    return asked;
  };
  return run;
};

Deno.test("warmUp asks each network for every size of a call but the first, the small ones first", () => {
  assertEquals(fakeModels(bucketOf)({ capacity: 8, compiles: true }), ["a2", "b2", "a4", "b4", "a8", "b8"]);
});

Deno.test("warmUp asks for no more rows than the capacity, of which the bucket may be larger", () => {
  assertEquals(fakeModels(bucketOf)({ capacity: 7, compiles: true }), ["a2", "b2", "a4", "b4", "a7", "b7"]);
});

Deno.test("warmUp has nothing to do where the engine does not compile, or there is one size alone", () => {
  assertEquals(fakeModels(bucketOf)({ capacity: 8, compiles: false }), []);
  assertEquals(fakeModels(() => 8)({ capacity: 8, compiles: true }), []);
});
