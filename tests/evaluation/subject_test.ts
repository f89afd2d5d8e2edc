import { assertEquals, assertNotEquals } from "@std/assert";
import { modelDigest } from "../../evaluation/subject.ts";
import { loadPipeline } from "../../model/pipeline.ts";

Deno.test("modelDigest differs with a weight, the process or the classes, and not with the folder", async () => {
  const pipeline = await loadPipeline("tests/fixtures/tiny-model");
  const digest = modelDigest(pipeline);
  assertEquals(modelDigest({ ...pipeline, folder: "elsewhere" }), digest);
  const [name, tensor] = pipeline.weights.entries().next().value!;
  const data = tensor.data.slice();
  data[0] += 1;
  assertNotEquals(
    modelDigest({ ...pipeline, weights: new Map(pipeline.weights).set(name, { ...tensor, data }) }),
    digest,
  );
  assertNotEquals(modelDigest({ ...pipeline, scheduler: { ...pipeline.scheduler, clip_sample: false } }), digest);
  assertNotEquals(modelDigest({ ...pipeline, labels: ["a", "b", "c"] }), digest);
});
