import { assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { JobExistsError, JobMissingError, JobStateError } from "../../jobs/jobs.ts";
import type { launchTraining, TrainingExit } from "../../jobs/launch.ts";
import { createMemoryJobs } from "./memory_jobs.ts";

/** Training processes that end when a test says so. */
const puppets = () => {
  const started: {
    options: Record<string, unknown>;
    report: Parameters<typeof launchTraining>[1]["onEvent"];
    end: (exit: TrainingExit) => void;
    signals: string[];
  }[] = [];
  const launch: typeof launchTraining = (options, { onEvent }) => {
    const { promise, resolve } = Promise.withResolvers<TrainingExit>();
    const signals: string[] = [];
    started.push({ options, report: onEvent, end: resolve, signals });
    return {
      ended: promise,
      stop: () => {
        signals.push("stop");
      },
      renew: () => {},
      kill: () => {
        signals.push("kill");
        resolve({ code: 137, stderr: "", isKilled: false });
      },
    };
  };
  return { launch, started };
};

const settle = () => new Promise((resume) => setTimeout(resume, 0));

Deno.test("memory jobs: one runs at a time, the others wait in order", async () => {
  const { launch, started } = puppets();
  const jobs = createMemoryJobs({ launch });
  for (const name of ["a-test", "b-test", "c-test"]) await jobs.add({ steps: 2 }, name);
  const states = async () => (await jobs.list()).map(({ state }) => state);
  assertEquals(await states(), ["running", "queued", "queued"]);
  assertEquals(started[0].options, { steps: 2, out: "runs/a-test" });

  assertEquals((await jobs.cancel("b-test")).state, "canceled");
  started[0].report({ event: "done", step: 2, folder: "runs/a-test" });
  started[0].end({ code: 0, stderr: "", isKilled: false });
  await settle();
  assertEquals(await states(), ["succeeded", "canceled", "running"]);
  assertEquals(started.map(({ options }) => options.out), ["runs/a-test", "runs/c-test"]);
  assertEquals((await jobs.list({ after: "a-test", limit: 1 })).map(({ id }) => id), ["b-test"]);
});

Deno.test("memory jobs: a job tells how far it is, and its events come to those who follow", async () => {
  const { launch, started } = puppets();
  const jobs = createMemoryJobs({ launch });
  const { id, run } = await jobs.add({});
  assertMatch(id, /^job-[0-9a-f]{8}$/);
  const seen: unknown[] = [];
  const following = (async () => {
    for await (const { id: number, event } of jobs.events(id, { after: 1 })) seen.push([number, event.event]);
  })();
  started[0].report({ event: "start", run, steps: 10 });
  started[0].report({ event: "checkpoint", step: 4, folder: "runs/x/checkpoints/step-4" });
  started[0].report({ event: "done", step: 10, folder: "runs/x/checkpoints/step-10" });
  started[0].end({ code: 0, stderr: "a line\n", isKilled: false });
  await following;
  assertEquals(seen, [[2, "checkpoint"], [3, "done"]]);
  assertEquals(await Array.fromAsync(jobs.logs(id)), [{ id: 1, line: "a line" }]);
  const job = (await jobs.get(id))!;
  assertEquals([job.state, job.step, job.steps, job.checkpoint], ["succeeded", 10, 10, "runs/x/checkpoints/step-4"]);
});

Deno.test("memory jobs: a process that fails, or ends without a word, fails its job with the best message", async () => {
  const { launch, started } = puppets();
  const jobs = createMemoryJobs({ launch });
  for (const name of ["a", "b", "c"]) await jobs.add({}, name);
  started[0].report({ event: "error", message: "the data has gone" });
  started[0].end({ code: 1, stderr: "noise", isKilled: false });
  await settle();
  started[1].end({ code: 1, stderr: "a warning\nerror: out of memory\n    at x\n", isKilled: false });
  await settle();
  started[2].end({ code: 0, stderr: "", isKilled: false });
  await settle();
  assertEquals((await jobs.list()).map(({ state, error }) => [state, error]), [
    ["failed", "the data has gone"],
    ["failed", "error: out of memory"],
    ["failed", "the training process ended with code 0"],
  ]);
});

Deno.test("memory jobs: a job that ended goes on, others are refused", async () => {
  const { launch, started } = puppets();
  const jobs = createMemoryJobs({ launch });
  await jobs.add({ steps: 2 }, "mine");
  await assertRejects(() => jobs.resume("mine"), JobStateError);
  await assertRejects(() => jobs.resume("other"), JobMissingError);
  assertThrows(() => jobs.events("other"), JobMissingError);
  await assertRejects(() => jobs.add({}, "mine"), JobExistsError, "runs/mine");
  started[0].report({ event: "checkpoint", step: 2, folder: "runs/mine/checkpoints/step-2" });
  started[0].report({ event: "done", step: 2, folder: "runs/mine/checkpoints/step-2" });
  started[0].end({ code: 0, stderr: "", isKilled: false });
  await settle();
  await assertRejects(() => jobs.resume("mine"), JobStateError, "steps must be > 2");
  await jobs.resume("mine", { steps: 5 });
  assertEquals(started[1].options, { resume: "runs/mine", steps: 5 });
});

Deno.test("memory jobs: closing stops what runs and what waits, and kills what does not end in time", async () => {
  const { launch, started } = puppets();
  const jobs = createMemoryJobs({ launch });
  for (const name of ["a", "b"]) await jobs.add({}, name);
  await jobs.close({ grace: 20 });
  assertEquals(started.map(({ signals }) => signals), [["stop", "kill"]]);
  assertEquals((await jobs.list()).map(({ state, exitCode }) => [state, exitCode]), [["failed", 137], [
    "canceled",
    null,
  ]]);
});
