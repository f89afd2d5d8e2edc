import { assert, assertEquals } from "@std/assert";
import type { Job } from "../../jobs/jobs.ts";
import { remoteTrainOptions } from "../../jobs/options.ts";
import { loadPipeline } from "../../model/pipeline.ts";
import { openServing } from "../../serving/client.ts";
import { until, withServer } from "./with_server.ts";

const recipe = { preset: "tiny", timesteps: 20, batch: 4, warmup: 0 };

const start = async (origin: string, body: object): Promise<Job> => {
  const init = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
  const response = await fetch(`${origin}/jobs`, init);
  assertEquals(response.status, 202);
  return await response.json();
};
const get = async (origin: string, id: string): Promise<Job> => await (await fetch(`${origin}/jobs/${id}`)).json();
const ended = ({ exitCode }: Job) => exitCode !== null;

Deno.test("POST /jobs: trains for real, in its own process, a model that can be served", () =>
  withServer(async ({ origin }) => {
    const { id, run } = await start(origin, { ...recipe, steps: 3 });
    try {
      const job = await until(() => get(origin, id), ended, { seconds: 60 });
      assertEquals([job.state, job.error, job.step, job.steps], ["succeeded", null, 3, 3]);
      assert(job.loss! > 0 && job.loss! < 10, `loss ${job.loss}`);
      assertEquals(job.checkpoint, `${run}/checkpoints/step-3`);

      const pipeline = await loadPipeline(job.checkpoint!);
      assertEquals(pipeline.labels!.length, 10);
      const serving = await openServing({ models: [job.checkpoint!], engine: "wasm" });
      assertEquals([serving.models[0].timesteps, serving.models[0].nullLabel], [20, 10]);
      await serving.close();
    } finally {
      await Deno.remove(run, { recursive: true });
    }
  }, { trainingOptions: remoteTrainOptions }));

Deno.test("DELETE /jobs/{id}: the real training process writes a checkpoint and ends", () =>
  withServer(async ({ origin }) => {
    const { id, run } = await start(origin, { ...recipe, steps: 1_000_000, checkpointEvery: 1_000_000 });
    try {
      await until(() => get(origin, id), ({ step }) => step >= 1, { seconds: 60 });
      await (await fetch(`${origin}/jobs/${id}`, { method: "DELETE" })).body!.cancel();
      const job = await until(() => get(origin, id), ended, { seconds: 60 });
      assertEquals([job.state, job.exitCode, job.error], ["stopped", 0, null]);
      assert(job.step >= 1);
      assertEquals(job.checkpoint, `${run}/checkpoints/step-${job.step}`);
      await loadPipeline(job.checkpoint!);
    } finally {
      await Deno.remove(run, { recursive: true });
    }
  }, { trainingOptions: remoteTrainOptions }));
