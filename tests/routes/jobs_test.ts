import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { z } from "zod";
import type { Job, Jobs } from "../../jobs/jobs.ts";
import { launchTraining } from "../../jobs/launch.ts";
import { createMemoryJobs } from "../jobs/memory_jobs.ts";
import { until, withServer } from "./with_server.ts";

const main = new URL("../fixtures/fake_trainer.ts", import.meta.url);
const trainingOptions = z.strictObject({
  steps: z.int().min(1).optional(),
  wait: z.boolean().optional(),
  fail: z.boolean().optional(),
});
const fakeJobs = (): Jobs =>
  createMemoryJobs({ launch: (options, settings) => launchTraining(options, { ...settings, main }) });

const post = (origin: string, body: string, type: string | null = "application/json") =>
  fetch(`${origin}/jobs`, { method: "POST", body, headers: type ? { "content-type": type } : {} });
const get = async (origin: string, id: string): Promise<Job> => await (await fetch(`${origin}/jobs/${id}`)).json();

Deno.test("POST /jobs: starts a training process, and GET /jobs/{id} follows it to its end", () =>
  withServer(async ({ origin }) => {
    const response = await post(origin, '{"name": "test-run", "steps": 3}');
    const { id, state, run, options } = await response.json();
    assertEquals(response.status, 202);
    assertEquals(response.headers.get("location"), "/jobs/test-run");
    assertEquals({ id, state, run, options }, {
      id: "test-run",
      state: "waiting",
      run: "runs/test-run",
      options: { steps: 3 },
    });
    const done = await until(() => get(origin, id), ({ endedAt }) => endedAt !== null);
    assertEquals([done.state, done.step, done.steps, done.loss, done.checkpoint, done.exitCode, done.error], [
      "succeeded",
      3,
      3,
      0.25,
      "runs/test-run",
      0,
      null,
    ]);
    assertEquals(await (await fetch(`${origin}/jobs`)).json(), [done]);
  }, { jobs: fakeJobs(), trainingOptions }));

Deno.test("DELETE /jobs/{id}: stops a running job gracefully and takes a waiting one out", () =>
  withServer(async ({ origin }) => {
    const running: Job = await (await post(origin, '{"wait": true}')).json();
    const waiting: Job = await (await post(origin, "{}")).json();
    assertMatch(running.id, /^job-/);
    assertEquals(waiting.state, "waiting");
    await until(() => get(origin, running.id), ({ step }) => step === 1);

    const taken = await fetch(`${origin}/jobs/${waiting.id}`, { method: "DELETE" });
    assertEquals([taken.status, (await taken.json()).state], [200, "stopped"]);
    const stopping = await fetch(`${origin}/jobs/${running.id}`, { method: "DELETE" });
    assertEquals([stopping.status, (await stopping.json()).state], [202, "stopping"]);
    const stopped = await until(() => get(origin, running.id), ({ exitCode }) => exitCode !== null);
    assertEquals([stopped.state, stopped.exitCode, stopped.step], ["stopped", 0, 1]);
  }, { jobs: fakeJobs(), trainingOptions }));

Deno.test("GET /jobs/{id}: a failed job says why", () =>
  withServer(async ({ origin }) => {
    const { id } = await (await post(origin, '{"fail": true}')).json();
    const failed = await until(() => get(origin, id), ({ endedAt }) => endedAt !== null);
    assertEquals([failed.state, failed.exitCode, failed.error], ["failed", 1, "the data has gone"]);
  }, { jobs: fakeJobs(), trainingOptions }));

Deno.test("a server that stops ends its jobs gracefully", async () => {
  const jobs = fakeJobs();
  await withServer(async ({ origin }) => {
    const { id } = await (await post(origin, '{"wait": true}')).json();
    await until(() => get(origin, id), ({ step }) => step === 1);
  }, { jobs, trainingOptions });
  assertEquals((await jobs.list()).map(({ state, exitCode }) => [state, exitCode]), [["stopped", 0]]);
});

Deno.test("POST /jobs: what is no option, no name or no JSON is refused, and starts nothing", () =>
  withServer(async ({ origin }) => {
    const cases: [body: string, type: string | null, status: number, says: string][] = [
      ['{"steps": 0}', "application/json", 422, "steps must be ≥ 1"],
      ['{"out": "/etc"}', "application/json", 422, "out must be absent"],
      ['{"name": "../x"}', "application/json", 422, "name must be"],
      ['{"name": "-x"}', "application/json", 422, "name must be"],
      ["{", "application/json", 400, "no JSON"],
      ["steps=1", "application/x-www-form-urlencoded", 415, "as application/json"],
      ["", null, 415, "as application/json"],
    ];
    for (const [body, type, status, says] of cases) {
      const response = await post(origin, body, type);
      assertEquals(response.status, status, body);
      assertStringIncludes((await response.json()).detail, says);
    }
    assertEquals(await (await fetch(`${origin}/jobs`)).json(), []);
  }, { jobs: fakeJobs(), trainingOptions }));

Deno.test("POST /jobs: a name that is taken is 409", () =>
  withServer(async ({ origin }) => {
    await (await post(origin, '{"name": "mine"}')).body!.cancel();
    const response = await post(origin, '{"name": "mine"}');
    assertEquals(response.status, 409);
    assertStringIncludes((await response.json()).detail, "runs/mine");
  }, { jobs: fakeJobs(), trainingOptions }));
