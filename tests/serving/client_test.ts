import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { sample } from "../../core/mod.ts";
import { openEngine } from "../../engine/mod.ts";
import { createDenoiser } from "../../model/denoiser.ts";
import { loadPipeline } from "../../model/pipeline.ts";
import { openSampler } from "../../serving/client.ts";
import { compileTask } from "../../serving/compile.ts";
import type { ResolvedSampling } from "../../serving/resolve.ts";
import { QueueFullError } from "../../serving/task.ts";

const folder = fromFileUrl(new URL("../fixtures/tiny-model", import.meta.url));
const sampling: ResolvedSampling = { n: 1, seed: 5, sampler: "ddpm", steps: 20, guidance: 1, labels: [1] };

Deno.test("openSampler: is ready with what it loaded, and draws what core's loop draws in this thread", async () => {
  const sampler = await openSampler({ folder, engine: "wasm" });
  assertEquals(sampler.info.labels, ["red", "green", "blue"]);
  assertEquals(sampler.info.timesteps, 100);
  assertEquals(sampler.info.engine.name, "wasm");
  const images = await sampler.generate(sampling);
  sampler.close();

  const pipeline = await loadPipeline(folder);
  const network = createDenoiser(await openEngine("wasm"), pipeline);
  const { plan } = compileTask(sampling, pipeline.scheduler);
  const evaluate = (x: Float32Array, timesteps: Int32Array) => network.evaluate(x, timesteps, [1]);
  assertEquals(images, await sample({ plan, shape: [1, 8, 8, 3], evaluate, seed: 5 }));
  network.dispose();
});

Deno.test("Sampler: the real network gives an image the same bits alone, in any n, and among neighbours", async () => {
  const sampler = await openSampler({ folder, engine: "wasm", capacity: 7 });
  const alone = await sampler.generate(sampling);
  const six = await sampler.generate({ ...sampling, n: 6, labels: [1, 0, 2, 1, 0, 2] });
  assertEquals(six.slice(0, alone.length), alone);
  const all = await Promise.all([
    sampler.generate({ ...sampling, seed: 6, n: 3, labels: [0, 1, 2], sampler: "heun", steps: 9 }),
    sampler.generate({ ...sampling, seed: 7, n: 2, labels: [2, 2], guidance: 4, steps: 31 }),
    sampler.generate(sampling),
    sampler.generate({ ...sampling, seed: 8, n: 5, labels: [0, 1, 2, 0, 1], sampler: "dpmsolver++" }),
    sampler.generate(sampling),
  ]);
  assertEquals(all[2], alone);
  assertEquals(all[4], alone);
  sampler.close();
});

Deno.test("Sampler: an aborted request rejects with its reason, and the worker goes on", async () => {
  const sampler = await openSampler({ folder, engine: "wasm" });
  const canceller = new AbortController();
  const cancelled = sampler.generate({ ...sampling, steps: 100 }, {
    signal: canceller.signal,
    onStep: ({ done, total }) => {
      assertEquals(total, 100);
      if (done === 3) canceller.abort(new Error("enough"));
    },
  });
  await assertRejects(() => cancelled, Error, "enough");
  assertEquals(sampler.pending, 0);
  assertEquals((await sampler.generate(sampling)).length, 192);
  sampler.close();
});

Deno.test("Sampler: a full queue, a schedule that does not allow a request, and closing reach the caller", async () => {
  const sampler = await openSampler({ folder, engine: "wasm", queue: 4 });
  const first = sampler.generate({ ...sampling, n: 4, labels: [0, 1, 2, 0], steps: 100 });
  const late = sampler.generate({ ...sampling, n: 4, labels: [0, 1, 2, 0] });
  await assertRejects(() => late, QueueFullError);
  const refused = await assertRejects(() => sampler.generate({ ...sampling, steps: 101 }), Error, "noise schedule");
  assertEquals(refused.name, "ScheduleError");
  assertEquals(sampler.pending, 4);
  sampler.close();
  await assertRejects(() => first, Error, "closed");
  await assertRejects(() => sampler.generate(sampling), Error, "closed");
});

Deno.test("openSampler: a folder without a model is a ModelError that names the file", async () => {
  const missing = await assertRejects(() => openSampler({ folder: "tests/nowhere", engine: "wasm" }), Error);
  assertEquals(missing.name, "ModelError");
  assertStringIncludes(missing.message, "tests/nowhere");
});

Deno.test("openSampler: a worker that dies fails what is pending, and says why afterwards", async () => {
  const script = new URL(
    "data:application/javascript," + encodeURIComponent(`
    self.onmessage = ({ data }) => {
      if (data.type === "start") self.postMessage({ type: "ready", info: {} });
      else setTimeout(() => { throw new Error("out of luck"); });
    };`),
  );
  const sampler = await openSampler({ folder, engine: "wasm" }, { script });
  const pending = [sampler.generate(sampling), sampler.generate(sampling)];
  for (const request of pending) await assertRejects(() => request, Error, "out of luck");
  await assertRejects(() => sampler.generate(sampling), Error, "worker died");
  assertStringIncludes(sampler.failure!.message, "out of luck");
});

Deno.test("openSampler: a worker that does not start is an error, not a wait", async () => {
  const script = new URL("data:application/javascript," + encodeURIComponent("throw new Error('no');"));
  await assertRejects(() => openSampler({ folder, engine: "wasm" }, { script }), Error, "worker died");
});
