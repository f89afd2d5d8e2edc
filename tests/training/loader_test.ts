import { assertEquals, assertRejects } from "@std/assert";
import { createDataset } from "../../datasets/dataset.ts";
import { createLoader } from "../../training/loader.ts";
import {
  allocateMicroBatch,
  type BatchPlan,
  createBatchPreparer,
  type MicroBatch,
} from "../../training/micro_batch.ts";
import { writingTest } from "../model/temporary_folder.ts";

const facts = { name: "noise", count: 10, height: 4, width: 4, channels: 1, classNames: ["a", "b"] };
const dataset = createDataset({
  ...facts,
  images: Uint8Array.from({ length: 160 }, (_, i) => (i * 91) % 256),
  labels: Uint8Array.from({ length: 10 }, (_, i) => i % 2),
});
const plan: BatchPlan = {
  seed: 1,
  batch: 6,
  microBatch: 2,
  flip: true,
  classShares: "data",
  labelDropout: 0.3,
  nullLabel: 2,
  masks: { rate: 0.5, sizes: [16, 8] },
};
const copy = (part: MicroBatch) => structuredClone(part);

Deno.test("createLoader: parts come in order, in the bits that are made without it, from any step on", async () => {
  const prepare = createBatchPreparer(dataset, plan);
  for (const first of [0, 7]) {
    using loader = createLoader(dataset, plan, { step: first });
    for (let step = first; step < first + 3; step++) {
      for (let part = 0; part < 3; part++) {
        const expected = allocateMicroBatch(dataset, plan);
        prepare(step, part, expected);
        assertEquals(copy(await loader.next()), copy(expected), `part ${part} of step ${step}`);
      }
    }
  }
});

Deno.test("createLoader: a part stays as it is while the next one is made", async () => {
  using loader = createLoader(dataset, plan, { step: 0 });
  const part = await loader.next();
  const before = copy(part);
  await new Promise((resume) => setTimeout(resume, 50));
  assertEquals(copy(part), before);
});

writingTest("createLoader: what goes wrong in its thread is thrown by next", async (folder) => {
  const path = `${folder}/images`;
  await Deno.writeFile(path, new Uint8Array(20));
  using cut = createDataset({ ...facts, images: { path }, labels: null });
  using loader = createLoader(cut, { ...plan, nullLabel: null }, { step: 0 });
  await assertRejects(
    async () => {
      for (let i = 0; i < 9; i++) await loader.next();
    },
    Error,
    "has become shorter",
  );
});
