import { assertEquals } from "@std/assert";
import { bucketOf } from "../../model/bucket.ts";
import type { LoadedModel } from "../../sampling/loaded_model.ts";
import { createWarmUp } from "../../serving/host.ts";

const fakeModels = (bucketOf: (rows: number) => number) => {
  const asked: string[] = [];
  const models = ["a", "b"].map((name) =>
    ({ network: { bucketOf }, warm: (rows: number) => void asked.push(`${name}${rows}`) }) as unknown as LoadedModel
  );
  const run = (options: { capacity: number; compiles: boolean }) => {
    const warmUp = createWarmUp(options);
    models.forEach(warmUp.add);
    while (warmUp.next());
    return asked;
  };
  return run;
};

Deno.test("warmUp asks a network that was added later for its sizes too, and one that is gone for no more", () => {
  const asked: string[] = [];
  const [a, b] = ["a", "b"].map((name) =>
    ({ network: { bucketOf }, warm: (rows: number) => void asked.push(`${name}${rows}`) }) as unknown as LoadedModel
  );
  const warmUp = createWarmUp({ capacity: 8, compiles: true });
  warmUp.add(a);
  warmUp.next();
  warmUp.add(b);
  warmUp.next();
  warmUp.remove(a);
  while (warmUp.next());
  assertEquals(asked, ["a2", "b2", "b4", "b8"]);
});

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
