import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { z } from "zod";
import type { Job, Jobs } from "../../jobs/jobs.ts";
import type { Recipe } from "../../training/recipe.ts";
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
type JobDetail = Job & { readonly recipe: Recipe; readonly given: readonly string[] };
const get = async (origin: string, id: string): Promise<JobDetail> =>
  await (await fetch(`${origin}/jobs/${id}`)).json();

Deno.test("POST /jobs: starts a training process, and GET /jobs/{id} follows it to its end", () =>
  withServer(async ({ origin }) => {
    const response = await post(origin, '{"name": "test-run", "steps": 3}');
    const { id, state, run, options } = await response.json();
    assertEquals(response.status, 202);
    assertEquals(response.headers.get("location"), "/jobs/test-run");
    assertEquals({ id, state, run, options }, {
      id: "test-run",
      state: "queued",
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
    const { recipe, given, ...listed } = done;
    assertEquals(await (await fetch(`${origin}/jobs`)).json(), [listed]);
    assertEquals([recipe.steps, recipe.batch, recipe.schedule, given], [3, 32, "linear", ["steps"]]);
  }, { jobs: fakeJobs(), trainingOptions }));

Deno.test("POST /jobs/{id}/cancel: stops a running job gracefully and takes a waiting one out", () =>
  withServer(async ({ origin }) => {
    const running: Job = await (await post(origin, '{"wait": true}')).json();
    const waiting: Job = await (await post(origin, "{}")).json();
    assertMatch(running.id, /^job-/);
    assertEquals(waiting.state, "queued");
    await until(() => get(origin, running.id), ({ step }) => step === 1);

    const cancel = async (id: string) => {
      const { urls } = await (await fetch(`${origin}/jobs/${id}`)).json();
      const response = await fetch(`${origin}${urls.cancel}`, { method: "POST" });
      return { status: response.status, body: await response.json() };
    };
    const taken = await cancel(waiting.id);
    assertEquals([taken.status, taken.body.state], [200, "canceled"]);
    const canceling = await cancel(running.id);
    assertEquals([canceling.status, canceling.body.state], [202, "canceling"]);
    const canceled = await until(() => get(origin, running.id), ({ exitCode }) => exitCode !== null);
    assertEquals([canceled.state, canceled.exitCode, canceled.step], ["canceled", 0, 1]);
    // One that has ended stays as it is.
    const { recipe: _, given: __, ...described } = canceled;
    assertEquals(await cancel(running.id), { status: 200, body: described });
    assertEquals(await cancel(waiting.id), taken);
    const nobody = await fetch(`${origin}/jobs/nobody/cancel`, { method: "POST" });
    assertEquals([nobody.status, (await nobody.json()).title], [404, "Not Found"]);
  }, { jobs: fakeJobs(), trainingOptions }));

Deno.test("DELETE /jobs/{id}: there is none, since a job that was canceled is there and can go on", () =>
  withServer(async ({ origin }) => {
    await (await post(origin, '{"name": "mine"}')).body!.cancel();
    const response = await fetch(`${origin}/jobs/mine`, { method: "DELETE" });
    assertEquals([response.status, response.headers.get("allow")], [405, "GET"]);
    await response.body!.cancel();
    assertEquals((await get(origin, "mine")).id, "mine");
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
  assertEquals((await jobs.list()).map(({ state, exitCode }) => [state, exitCode]), [["canceled", 0]]);
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
