import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { createJobs, JobExistsError } from "../../jobs/jobs.ts";
import type { launchTraining, TrainingExit } from "../../jobs/launch.ts";

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
      kill: () => {
        signals.push("kill");
        resolve({ code: 137, stderr: "" });
      },
    };
  };
  return { launch, started };
};

const settle = () => new Promise((resume) => setTimeout(resume, 0));

Deno.test("Jobs: one runs at a time, the others wait in order", async () => {
  const { launch, started } = puppets();
  const jobs = createJobs({ launch });
  const [a, b, c] = ["a-test", "b-test", "c-test"].map((name) => jobs.add({ steps: 2 }, name));
  assertEquals([a, b, c].map(({ state }) => state), ["running", "waiting", "waiting"]);
  assertEquals(started[0].options, { steps: 2, out: "runs/a-test" });

  jobs.stop(b.id);
  assertEquals(b.state, "stopped");
  started[0].report({ event: "done", step: 2, folder: "runs/a-test" });
  assertEquals(a.state, "running");
  started[0].end({ code: 0, stderr: "" });
  await settle();
  assertEquals([a, b, c].map(({ state }) => state), ["succeeded", "stopped", "running"]);
  assertEquals(started.map(({ options }) => options.out), ["runs/a-test", "runs/c-test"]);
  assertEquals(jobs.list(), [a, b, c]);
});

Deno.test("Jobs: a job tells how far it is", () => {
  const { launch, started } = puppets();
  const job = createJobs({ launch }).add({});
  assertMatch(job.id, /^job-[0-9a-f]{8}$/);
  started[0].report({ event: "start", run: job.run, steps: 10 });
  started[0].report({ event: "progress", step: 4, steps: 10, loss: 0.1, imagesPerSecond: 50, secondsLeft: 12 });
  started[0].report({ event: "checkpoint", step: 4, folder: "runs/x/checkpoints/step-4" });
  assertEquals(
    [job.step, job.steps, job.loss, job.imagesPerSecond, job.secondsLeft, job.checkpoint],
    [4, 10, 0.1, 50, 12, "runs/x/checkpoints/step-4"],
  );
});

Deno.test("Jobs: a process that fails, or ends without a word, fails its job with the best message there is", async () => {
  const { launch, started } = puppets();
  const jobs = createJobs({ launch });
  const [told, crashed, silent] = [jobs.add({}), jobs.add({}), jobs.add({})];
  started[0].report({ event: "error", message: "the data has gone" });
  started[0].end({ code: 1, stderr: "noise" });
  await settle();
  started[1].end({ code: 1, stderr: "a warning\nerror: out of memory\n    at x\n" });
  await settle();
  started[2].end({ code: 0, stderr: "" });
  await settle();
  assertEquals([told, crashed, silent].map(({ state }) => state), ["failed", "failed", "failed"]);
  assertEquals(
    [told, crashed, silent].map(({ error }) => error),
    ["the data has gone", "error: out of memory", "the training process ended with code 0"],
  );
  assertEquals(told.exitCode, 1);
});

Deno.test("Jobs: a process that cannot be started fails its job, and the next one gets its turn", () => {
  const { launch } = puppets();
  let calls = 0;
  const jobs = createJobs({
    launch: (...args) => {
      if (++calls === 1) throw new Error("no permission to run");
      return launch(...args);
    },
  });
  const [first, second] = [jobs.add({}), jobs.add({})];
  assertEquals([first.state, first.error], ["failed", "no permission to run"]);
  assertEquals(second.state, "running");
});

Deno.test("Jobs: a name that is taken is refused", () => {
  const jobs = createJobs({ launch: puppets().launch });
  jobs.add({}, "taken");
  assertThrows(() => jobs.add({}, "taken"), JobExistsError, "runs/taken");
});

Deno.test("Jobs: closing stops what runs and what waits, and kills what does not end in time", async () => {
  const { launch, started } = puppets();
  const jobs = createJobs({ launch });
  const [running, waiting] = [jobs.add({}), jobs.add({})];
  const closed = jobs.close({ grace: 20 });
  assertEquals(waiting.state, "stopped");
  assertEquals(started[0].signals, ["stop"]);
  await closed;
  assertEquals(started[0].signals, ["stop", "kill"]);
  assertEquals([running.state, running.exitCode], ["failed", 137]);
  assertEquals(started.length, 1);
});
