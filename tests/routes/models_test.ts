import { assert, assertEquals, assertNotEquals, assertStringIncludes } from "@std/assert";
import { basename, join } from "@std/path";
import { loadPipeline, savePipeline } from "../../model/pipeline.ts";
import { parseKeys } from "../../routes/http/keys.ts";
import { createLog } from "../../routes/http/log.ts";
import { writeDigests } from "../../training/digest.ts";
import { writingTest } from "../model/temporary_folder.ts";
import { progress, scriptedJobs } from "./scripted_jobs.ts";
import { asJson, bytesOf, tinyModel, until, withServer } from "./with_server.ts";

const json = async (url: string, init?: RequestInit) => {
  const response = await fetch(url, init);
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === "" ? null : JSON.parse(text) };
};

/** Writes the tiny model, its weights scaled, as a checkpoint of a run. */
const writeModel = async (folder: string, scale: number): Promise<void> => {
  const pipeline = await loadPipeline(tinyModel);
  const weights = new Map(
    Array.from(pipeline.weights, ([name, { shape, data }]) => [name, { shape, data: data.map((w) => w * scale) }]),
  );
  await savePipeline({ ...pipeline, folder, weights });
};
const writeCheckpoint = async (run: string, step: number, scale: number) => {
  const folder = join(run, "checkpoints", `step-${step}`);
  await writeModel(folder, scale);
  await writeModel(join(folder, "ema-0.5"), 2 * scale);
  writeDigests(folder);
  await Deno.writeTextFile(join(run, "latest"), `checkpoints/step-${step}\n`);
  return `runs/${basename(run)}/checkpoints/step-${step}`;
};

const draw = async (origin: string, model: string) =>
  await bytesOf(await fetch(`${origin}/generate?model=${model}&seed=3&steps=10&format=npy`), "application/x-npy");

const servedFolders = async () => {
  try {
    return (await Array.fromAsync(Deno.readDir("runs/.served"))).length;
  } catch {
    return 0;
  }
};

writingTest(
  "POST /models: a job that runs is drawn from through its last checkpoint, and again through a later one",
  async (folder) => {
    const id = basename(folder);
    const { jobs, started } = scriptedJobs();
    await withServer(async ({ origin }) => {
      await (await fetch(`${origin}/jobs`, asJson({ name: id }))).body!.cancel();
      started[0].say(progress(1));
      const load = (body: object) => json(`${origin}/models`, asJson(body));
      const early = await load({ job: id });
      assertEquals([early.status, early.body.detail], [409, `the job ${id} has no checkpoint yet`]);

      const first = await writeCheckpoint(folder, 5, 1.5);
      const added = await load({ job: id });
      assertEquals([added.status, added.headers.get("location")], [201, `/models/${id}`]);
      const { name, default: isDefault, added: { checkpoint, job, ema } } = added.body;
      assertEquals([name, isDefault, checkpoint, job, ema], [id, false, first, id, null]);
      assertEquals((await json(`${origin}${added.headers.get("location")}`)).body, added.body);
      const before = await draw(origin, id);
      assertNotEquals(before, await draw(origin, "tiny-model"));
      const described = await json(`${origin}/openapi.json`);
      const parameter = described.body.paths["/generate"].get.parameters.find((one: { name: string }) =>
        one.name === "model"
      );
      assertEquals(parameter.schema.enum, ["tiny-model", id]);
      assertStringIncludes(await (await fetch(`${origin}/metrics`)).text(), `denoise_batches_total{model="${id}"} 10`);

      // The run goes on, and removes what is served.
      const second = await writeCheckpoint(folder, 10, 1.2);
      await Deno.remove(join(folder, "checkpoints", "step-5"), { recursive: true });
      assertEquals(await draw(origin, id), before);
      assertEquals((await load({ job: id })).status, 409);
      const replaced = await load({ job: id, replace: true });
      assertEquals([replaced.status, replaced.body.added.checkpoint], [201, second]);
      const after = await draw(origin, id);
      assertNotEquals(after, before);
      const explicit = await load({ checkpoint: second, name: "other" });
      assertEquals([explicit.status, await draw(origin, "other")], [201, after]);
      assertEquals((await load({ checkpoint: second })).body.name, `${id}-step-10`);

      for (const name of [id, "other", `${id}-step-10`]) {
        assertEquals((await json(`${origin}/models/${name}`, { method: "DELETE" })).status, 204);
        assertEquals((await json(`${origin}/models/${name}`)).status, 404);
        assertEquals((await json(`${origin}/models/${name}`, { method: "DELETE" })).status, 404);
      }
      const gone = await json(`${origin}/generate?model=${id}`);
      assertEquals([gone.status, gone.body.errors[0].allowed], [422, "one of tiny-model"]);
      const kept = await json(`${origin}/models/tiny-model`, { method: "DELETE" });
      assertEquals([kept.status, (await json(`${origin}/models`)).body.length], [409, 1]);
      const own = (await Array.fromAsync(Deno.readDir("runs/.served")))[0].name;
      await until(async () => (await Array.fromAsync(Deno.readDir(`runs/.served/${own}`))).length, (n) => n === 1);
    }, { jobs });
    assertEquals(await servedFolders(), 0);
  },
);

writingTest(
  "what a model's scheduler asks for and is not done is logged when it is loaded, and stands in GET /models",
  async (folder) => {
    const [started, added] = [join(folder, "started"), join(folder, "checkpoints", "step-1")];
    for (const model of [started, added]) {
      await writeModel(model, 1);
      const scheduler = { _class_name: "DDIMScheduler", set_alpha_to_one: false };
      await Deno.writeTextFile(join(model, "scheduler", "scheduler_config.json"), JSON.stringify(scheduler));
    }
    writeDigests(added);
    const unheeded = ["set_alpha_to_one false (the last step leads to ᾱ = 1)"];
    const lines: Record<string, unknown>[] = [];
    const log = createLog("info", (line) => lines.push(JSON.parse(line)));
    const told = () => lines.filter(({ message }) => message !== "request").map(({ time: _, ...line }) => line);
    const line = { level: "info", message: "settings not followed", unheeded };
    await withServer(async ({ origin }) => {
      assertEquals(told(), [{ ...line, model: "started" }]);
      const models = (await json(`${origin}/models`)).body;
      assertEquals(models.map((model: { unheeded: string[] }) => model.unheeded), [[], unheeded]);
      const checkpoint = `runs/${basename(folder)}/checkpoints/step-1`;
      const { status, body } = await json(`${origin}/models`, asJson({ checkpoint, name: "added" }));
      assertEquals([status, body.unheeded], [201, unheeded]);
      assertEquals(told(), [{ ...line, model: "started" }, { ...line, model: "added" }]);
    }, { jobs: scriptedJobs().jobs, models: [tinyModel, started], log });
  },
);

writingTest("POST /models: a moving average is chosen by its rate", async (folder) => {
  const { jobs } = scriptedJobs();
  await writeCheckpoint(folder, 1, 1.1);
  await Deno.writeTextFile(join(folder, "config.json"), JSON.stringify({ ema: [0.9, 0.5] }));
  const run = `runs/${basename(folder)}`;
  await withServer(async ({ origin }) => {
    const load = (ema?: number) => json(`${origin}/models`, asJson({ checkpoint: run, ema }));
    const [plain, first, second] = [await load(), await load(0.9), await load(0.5)];
    const names = [plain, first, second].map(({ body }) => body.name);
    assertEquals(names, [basename(folder), `${basename(folder)}-ema-0.9`, `${basename(folder)}-ema-0.5`]);
    const images = await Promise.all(names.map((name) => draw(origin, name)));
    assertEquals(images[0], images[1]);
    assertNotEquals(images[0], images[2]);
    const none = await load(0.7);
    assertEquals([none.status, none.body.errors[0]], [422, {
      field: "ema",
      received: 0.7,
      allowed: `one of ${run}'s, 0.9, 0.5`,
    }]);
  }, { jobs });
});

writingTest(
  "POST /models: a damaged checkpoint is passed over for the one before it; where none is sound nothing changes",
  async (folder) => {
    const { jobs } = scriptedJobs();
    const run = `runs/${basename(folder)}`;
    const sound = await writeCheckpoint(folder, 1, 1.1);
    const flipped = join(await writeCheckpoint(folder, 2, 1.2), "unet", "diffusion_pytorch_model.safetensors");
    const bytes = await Deno.readFile(flipped);
    bytes[bytes.length - 1] ^= 1;
    await Deno.writeFile(flipped, bytes);
    const cut = join(await writeCheckpoint(folder, 3, 1.3), "unet", "config.json");
    await Deno.truncate(cut, 10);
    await withServer(async ({ origin }) => {
      const load = (checkpoint: string, more: object = {}) => json(`${origin}/models`, asJson({ checkpoint, ...more }));
      const loaded = await load(run);
      assertEquals([loaded.status, loaded.body.added.checkpoint], [201, sound]);
      const before = (await json(`${origin}/models`)).body;
      for (const step of [2, 3]) {
        const refused = await load(`${run}/checkpoints/step-${step}`, { name: basename(folder), replace: true });
        assertEquals([refused.status, refused.body.title], [422, "Unprocessable Content"]);
        assertStringIncludes(refused.body.detail, "it is not as it was written");
        assert(!refused.body.detail.includes(".served"), refused.body.detail);
      }
      assertEquals((await json(`${origin}/models`)).body, before);
      const full = await load(run, { name: "one-more" });
      assertEquals([full.status, full.body.detail], [409, "2 models are loaded, and no more may be: remove one"]);
      // The default model can be replaced by another, which is the default then.
      const asDefault = await load(run, { name: "tiny-model", replace: true });
      assertEquals([asDefault.status, asDefault.body.default], [201, true]);
    }, { jobs, maxModels: 2 });
  },
);

writingTest(
  "models are loaded and removed with the right that jobs take, and seen with that to draw",
  async (folder) => {
    const checkpoint = await writeCheckpoint(folder, 1, 1.1);
    await withServer(async ({ origin }) => {
      const ask = (key: string, path: string, init: RequestInit = {}) =>
        json(`${origin}${path}`, { ...init, headers: { ...init.headers, authorization: `Bearer ${key}` } });
      const body = asJson({ checkpoint, name: "x" });
      assertEquals((await ask("draws", "/models", body)).status, 403);
      assertEquals((await ask("trains", "/models", body)).status, 201);
      assertEquals((await json(`${origin}/models`, body)).status, 401);
      assertEquals((await ask("draws", "/models/x")).status, 200);
      assertEquals((await ask("draws", "/models/x", { method: "DELETE" })).status, 403);
      assertEquals((await ask("trains", "/models/x", { method: "DELETE" })).status, 204);
      const { body: described } = await json(`${origin}/openapi.json`);
      assertEquals(described.paths["/models"].post.security, [{ key: [] }]);
    }, { jobs: scriptedJobs().jobs, keys: parseKeys("draws:generate trains:jobs") });
  },
);
