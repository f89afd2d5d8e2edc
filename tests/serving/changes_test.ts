import { assert, assertEquals, assertNotEquals, assertRejects, assertThrows } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { loadPipeline, savePipeline } from "../../model/pipeline.ts";
import { ParameterError } from "../../sampling/errors.ts";
import type { ResolvedSampling } from "../../sampling/parameters.ts";
import type { SamplingRequest } from "../../sampling/request.ts";
import {
  EngineFailedError,
  ModelChangedError,
  ModelConflictError,
  ModelRefusedError,
  NoModelError,
  openServing,
  type Serving,
} from "../../serving/client.ts";
import { whyNot } from "../engine/why_not.ts";
import { writingTest } from "../model/temporary_folder.ts";
import { DYING_SEED } from "./failing_seeds.ts";

const tiny = fromFileUrl(new URL("../fixtures/tiny-model", import.meta.url));
const conditional = fromFileUrl(new URL("../fixtures/model/conditional", import.meta.url));
const script = new URL("./failing_worker.ts", import.meta.url);
const generate = (changes: Partial<ResolvedSampling> = {}): SamplingRequest => ({
  kind: "generate",
  sampling: { n: 1, seed: 5, sampler: "ddpm", steps: 20, guidance: 1, labels: [1], ...changes },
});
const long = generate({ steps: 100, n: 2, labels: [0, 1] });

const withServing = async (
  test: (serving: Serving) => Promise<void>,
  options: Partial<Parameters<typeof openServing>[0]> = {},
  setup?: Parameters<typeof openServing>[1],
) => {
  const serving = await openServing({ models: [tiny], engine: "wasm", ...options }, setup);
  try {
    await test(serving);
  } finally {
    await serving.close();
  }
};

const namesOf = ({ models }: Serving) => models.map(({ name }) => name);

/** Writes the tiny model with its weights scaled: a later checkpoint of the same run, so to say. */
const writeOther = async (folder: string, scale = 1.5): Promise<string> => {
  const pipeline = await loadPipeline(tiny);
  const weights = new Map(
    Array.from(pipeline.weights, ([name, { shape, data }]) => [name, { shape, data: data.map((w) => w * scale) }]),
  );
  await savePipeline({ ...pipeline, folder, weights });
  return folder;
};

for (const engine of ["wasm", "onnx", "tensorflow"] as const) {
  const reason = whyNot(engine);
  const title = "a model comes and goes while others draw: they draw the same bits, and its memory is freed";
  Deno.test(
    `Serving on ${engine}: ${title} ${reason}`.trimEnd(),
    { ignore: reason !== "" },
    () =>
      withServing(async (serving) => {
        const alone = await serving.run("tiny-model", long);
        const { models, memory } = serving;
        assert(memory.tensors > 0 && memory.bytes > 0);
        for (let round = 0; round < 3; round++) {
          const during = Array.from({ length: 3 }, () => serving.run("tiny-model", long));
          const info = await serving.add(conditional, { name: "guest" });
          assertEquals([info.name, info.folder, namesOf(serving)], ["guest", conditional, ["tiny-model", "guest"]]);
          assert(serving.memory.bytes > memory.bytes);
          const images = await serving.run("guest", generate({ steps: 10 }));
          assertEquals(images.length, info.height * info.width * info.channels);
          assertEquals(serving.stats.map(({ model }) => model), ["tiny-model", "guest"]);
          assertEquals(serving.stats[1].batches, 10);
          for (const run of during) assertEquals(await run, alone);
          await serving.remove("guest");
          assertEquals([serving.memory, serving.stats.length], [memory, 1]);
          await assertRejects(
            () => serving.run("guest", generate()),
            ParameterError,
            "model must be one of tiny-model,",
          );
        }
        assertEquals(serving.models, models);
        assertEquals(await serving.run("tiny-model", long), alone);
      }, { engine }),
  );
}

writingTest(
  "Serving: replaced, what was asked of the old model is drawn by it to the last bit, and what comes later by the new",
  (folder) =>
    withServing(async (serving) => {
      const other = await writeOther(join(folder, "other"));
      const before = await serving.run("tiny-model", long);
      const { memory, models: [stale] } = serving;
      const unloaded: string[] = [];
      serving.onUnloaded = (folder) => unloaded.push(folder);
      const during = Array.from({ length: 5 }, () => serving.run("tiny-model", long));
      await serving.add(other, { name: "tiny-model", replace: true });
      const after = await serving.run("tiny-model", long);
      assertNotEquals(after, before);
      for (const run of during) assertEquals(await run, before);
      assertEquals(await serving.run(serving.models[0], long), after);
      assertEquals([namesOf(serving), serving.models[0].folder], [["tiny-model"], other]);
      assertEquals([serving.stats.length, serving.stats[0].finished], [1, 8]);
      while (serving.memory.tensors !== memory.tensors) await new Promise((resume) => setTimeout(resume, 1));
      assertEquals(serving.memory, memory);
      // A request that was prepared for the old one may not fit the new.
      await assertRejects(() => serving.run(stale, long), ModelChangedError, "tiny-model was replaced");
    }),
);

writingTest(
  "Serving.add: what cannot be added says why, and nothing has changed",
  (folder) =>
    withServing(async (serving) => {
      const damaged = await writeOther(join(folder, "damaged"));
      const file = join(damaged, "unet", "diffusion_pytorch_model.safetensors");
      await Deno.truncate(file, (await Deno.stat(file)).size - 1);
      const { models, memory } = serving;
      const under = serving.run("tiny-model", long);
      for (const replace of [false, true]) {
        const name = replace ? "tiny-model" : "new";
        await assertRejects(() => serving.add(damaged, { name, replace }), ModelRefusedError, "damaged/unet");
        await assertRejects(() => serving.add(join(folder, "none"), { name, replace }), ModelRefusedError, "none");
      }
      await assertRejects(() => serving.add(tiny, { name: "tiny-model" }), ModelConflictError, "there is a model tiny");
      const twice = [serving.add(tiny, { name: "a" }), serving.add(tiny, { name: "a" })];
      await assertRejects(() => twice[1], ModelConflictError, "is being loaded");
      await twice[0];
      await assertRejects(() => serving.add(tiny, { name: "b" }), ModelConflictError, "no more may be");
      await serving.add(tiny, { name: "a", replace: true });
      assertThrows(() => serving.remove("tiny-model"), ModelConflictError, "default");
      assertThrows(() => serving.remove("nobody"), NoModelError, "nobody");
      await serving.remove("a");
      assertEquals([serving.models, serving.memory], [models, memory]);
      assertEquals(await under, await serving.run("tiny-model", long));
    }, { maxModels: 2 }),
);

writingTest(
  "Serving: models that were added and replaced are there again after the Worker died; one whose folder is gone is not",
  async (folder) => {
    const [first, second, third] = [
      await writeOther(join(folder, "1")),
      tiny,
      await writeOther(join(folder, "3"), 1.2),
    ];
    await withServing(
      async (serving) => {
        await serving.add(first, { name: "a" });
        await serving.add(second, { name: "b" });
        await serving.add(third, { name: "a", replace: true });
        await serving.add(first, { name: "c" });
        const draw = () => Promise.all(["tiny-model", "a", "b"].map((name) => serving.run(name, generate())));
        const images = await draw();
        await Deno.remove(first, { recursive: true });
        const left = serving.run("c", generate({ steps: 100 }));
        left.catch(() => {});
        await assertRejects(() => serving.run("b", generate({ seed: DYING_SEED, steps: 100 })), EngineFailedError);
        assertEquals(await draw(), images);
        assertEquals([namesOf(serving), serving.restarts], [["tiny-model", "a", "b"], 1]);
        await assertRejects(() => left, EngineFailedError);
        assert(serving.failure!.message.startsWith("the model c is lost"), serving.failure!.message);
      },
      {},
      { script, delays: [1, 1, 1] },
    );
  },
);

Deno.test("Serving: 40 changes under load; every request is drawn to the last bit, and at the end the memory is as before", () =>
  withServing(async (serving) => {
    const [alone, guest] = [await serving.run("tiny-model", long), generate({ n: 1, labels: [2], steps: 30 })];
    const expected = await serving.run("tiny-model", guest);
    const { memory } = serving;
    let over = false;
    let drawn = 0;
    const load = Array.from({ length: 3 }, async () => {
      for (; !over; drawn++) assertEquals(await serving.run("tiny-model", long), alone);
    });
    const change = async (name: string) => {
      for (let i = 0; i < 10; i++) {
        await serving.add(tiny, { name });
        const runs = [serving.run(name, guest)];
        await serving.add(tiny, { name, replace: true });
        runs.push(serving.run(name, guest));
        const removed = serving.remove(name);
        for (const run of runs) assertEquals(await run, expected);
        await removed;
      }
    };
    await Promise.all(["a", "b"].map(change));
    over = true;
    await Promise.all(load);
    assert(drawn > 0);
    assertEquals([serving.memory, serving.restarts, namesOf(serving)], [memory, 0, ["tiny-model"]]);
  }));
