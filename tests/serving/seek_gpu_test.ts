import { assert, assertEquals, assertRejects } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { hasGpu } from "../../engine/webgpu/adapter.ts";
import type { ResolvedSampling } from "../../sampling/parameters.ts";
import { EngineFailedError, openServing } from "../../serving/client.ts";
import type { FromWorker, StartOptions } from "../../serving/protocol.ts";
import { openLink } from "../../serving/supervisor.ts";
// TensorFlow, if a test of this process wants it, is to be there before the drivers that are looked for here.
import "../engine/why_not.ts";
import { FAILING_SEED } from "./failing_seeds.ts";

const folder = fromFileUrl(new URL("../fixtures/tiny-model", import.meta.url));
const start: StartOptions = { models: [], engine: "auto", capacity: 2, deterministic: false };

Deno.test("openServing on auto: the worker leaves the search for a graphics card to the thread that started it", async () => {
  const script = new URL("./adapterless_worker.ts", import.meta.url);
  const opening = openServing({ models: [folder], engine: "auto" }, { script });
  const asked = await opening.then((serving) => serving.close(), (error) => error.message);
  // With a card the worker opens WebGPU itself, unless TensorFlow has the card.
  assert(asked === undefined || (await hasGpu() && asked === "the worker asked for an adapter"), asked);
});

Deno.test("openServing on auto: a worker that takes another's place opens its engine beside the drivers that are there", async () => {
  const script = new URL("./failing_worker.ts", import.meta.url);
  const serving = await openServing({ models: [folder], engine: "auto" }, { script, delays: [1, 1, 1] });
  const draw = (seed: number) => {
    const sampling = { n: 1, seed, sampler: "ddim", steps: 10, guidance: 1, labels: [1] } satisfies ResolvedSampling;
    return serving.run("tiny-model", { kind: "generate", sampling });
  };
  const before = await draw(5);
  await assertRejects(() => draw(FAILING_SEED), EngineFailedError);
  assertEquals(await draw(5), before);
  assertEquals(serving.restarts, 1);
  await serving.close();
});

Deno.test("openLink: a worker that asks is told whether there is a graphics card, and its owner is not", async () => {
  const script = new URL(
    "data:application/javascript," + encodeURIComponent(`
      self.onmessage = ({ data }) =>
        self.postMessage(data.type === "start" ? { type: "seeks-gpu" } : { type: "ready", infos: [data] });`),
  );
  const { promise, resolve, reject } = Promise.withResolvers<FromWorker>();
  const link = openLink({ script, start }, { onMessage: resolve, onDeath: reject });
  assertEquals(await promise as unknown, { type: "ready", infos: [{ type: "gpu", found: await hasGpu() }] });
  link.end();
});
