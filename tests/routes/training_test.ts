import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { join } from "@std/path";
import type { Job } from "../../jobs/jobs.ts";
import { createQueue } from "../../jobs/queue/queue.ts";
import { loadPipeline } from "../../model/pipeline.ts";
import { remoteTrainOptions } from "../../training/recipe.ts";
import { decodePng } from "../formats/decode_png.ts";
import { writingTest } from "../model/temporary_folder.ts";
import { type ReadEvent, readEvents } from "./read_events.ts";
import { asJson, bytesOf, until, withServer } from "./with_server.ts";

const recipe = { preset: "tiny", timesteps: 20, batch: 4, warmup: 0, engine: "wasm" };

const start = async (origin: string, body: object): Promise<Job> => {
  const response = await fetch(`${origin}/jobs`, asJson(body));
  const text = await response.text();
  assertEquals(response.status, 202, text);
  return JSON.parse(text);
};
const get = async (origin: string, id: string): Promise<Job> => await (await fetch(`${origin}/jobs/${id}`)).json();
const ended = ({ exitCode }: Job) => exitCode !== null;
const load = async (origin: string, body: object) => {
  const response = await fetch(`${origin}/models`, asJson(body));
  const text = await response.text();
  assertEquals(response.status, 201, text);
  return JSON.parse(text);
};
const draw = async (origin: string, model: string) =>
  await bytesOf(await fetch(`${origin}/generate?model=${model}&n=2&seed=1&steps=4`), "image/png");

writingTest(
  "POST /jobs: trains for real, in its own process, a model that is then served without a restart",
  (folder) =>
    withServer(async ({ origin }) => {
      const { id, run } = await start(origin, { ...recipe, steps: 3, sampleEvery: 2 });
      try {
        const job = await until(() => get(origin, id), ended, { seconds: 60 });
        assertEquals([job.state, job.error, job.step, job.steps], ["succeeded", null, 3, 3]);
        assert(job.loss! > 0 && job.loss! < 10, `loss ${job.loss}`);
        assertEquals(job.checkpoint, `${run}/checkpoints/step-3`);

        const model = await load(origin, { job: id });
        assertEquals([model.name, model.labels.length, model.timesteps, model.guidance], [id, 10, 20, true]);
        const { height, width } = decodePng(await draw(origin, id));
        assert(height >= model.height && width >= 2 * model.width);
        const samples = await (await fetch(`${origin}/jobs/${id}/samples`)).json();
        assertEquals(samples.map(({ step }: { step: number }) => step), [2, 3]);
        decodePng(await bytesOf(await fetch(`${origin}${samples[0].url}`), "image/png"));
        const metrics = await (await fetch(`${origin}/jobs/${id}/metrics`)).json();
        assertEquals([metrics.steps, metrics.points.at(-1).step], [3, 3]);
        assertEquals(metrics.points.at(-1).loss, job.loss);
      } finally {
        await Deno.remove(run, { recursive: true });
      }
    }, { trainingOptions: remoteTrainOptions, jobs: createQueue({ folder: join(folder, "queue") }) }),
);

writingTest(
  "a job that runs is drawn from, and again when it is further; stopped, it writes a checkpoint and ends",
  (folder) =>
    withServer(async ({ origin }) => {
      const { id, run } = await start(origin, {
        ...recipe,
        steps: 1_000_000,
        checkpointEvery: 3,
        sampleEvery: 1_000_000,
      });
      try {
        const following = new AbortController();
        const response = await fetch(`${origin}/jobs/${id}/events`, { signal: following.signal });
        const events = readEvents(response.body!);
        const checkpoint = async (): Promise<ReadEvent> => {
          while (true) {
            const { value, done } = await events.next();
            if (done || value.type === "end") throw new Error(`it has ended: ${JSON.stringify(value?.data)}`);
            if (value.type === "checkpoint") return value;
          }
        };
        await checkpoint();
        const first = await load(origin, { job: id });
        const before = await draw(origin, id);
        await checkpoint();
        await checkpoint();
        const second = await load(origin, { job: id, replace: true });
        assertNotEquals(first.added.checkpoint, second.added.checkpoint);
        assertNotEquals(await draw(origin, id), before);

        await (await fetch(`${origin}/jobs/${id}/cancel`, { method: "POST" })).body!.cancel();
        const rest = await Array.fromAsync(events);
        assertEquals(rest.slice(-2).map(({ type }) => type), ["stopped", "end"]);
        const job = rest.at(-1)!.data as Job;
        assertEquals([job.state, job.exitCode, job.error], ["canceled", 0, null]);
        assertEquals(job.checkpoint, `${run}/checkpoints/step-${job.step}`);
        await loadPipeline(job.checkpoint!);
      } finally {
        await Deno.remove(run, { recursive: true });
      }
    }, { trainingOptions: remoteTrainOptions, jobs: createQueue({ folder: join(folder, "queue") }) }),
);
