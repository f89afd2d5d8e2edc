import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { isGranted } from "../../../engine/permissions.ts";
import {
  type Job,
  JobExistsError,
  JobMissingError,
  type Jobs,
  JobStateError,
  JobsUnavailableError,
} from "../../../jobs/jobs.ts";
import type { launchTraining } from "../../../jobs/launch.ts";
import { createQueue } from "../../../jobs/queue/queue.ts";
import type { TrainingEvent } from "../../../training/events.ts";
import { reasonNotToWrite, writingTest } from "../../model/temporary_folder.ts";
import { isOneAtATime, launchLeased, readRecord } from "./leased_training.ts";
import { startPostgres, whyNoPostgres } from "./postgres.ts";

const reason = reasonNotToWrite || (isGranted({ name: "sys", kind: "hostname" }) ? "" : "needs --allow-sys=hostname");

/** Follows a job until an event of this kind, or its end. */
const until = async (jobs: Jobs, id: string, kind: TrainingEvent["event"] = "done"): Promise<TrainingEvent[]> => {
  const seen: TrainingEvent[] = [];
  for await (const { event } of jobs.events(id)) {
    seen.push(event);
    if (event.event === kind && kind !== "done") break;
  }
  return seen;
};

/** Follows a job until it has ended. */
const ended = async (jobs: Jobs, id: string): Promise<Job> => {
  await until(jobs, id);
  return (await jobs.get(id))!;
};

const contract = async (jobs: Jobs, runs: string): Promise<void> => {
  // A job from its start to its end.
  const added = await jobs.add({ steps: 12, checkpointEvery: 5 }, "a");
  assertEquals([added.state, added.attempt, added.run, added.startedAt], ["queued", 0, "runs/a", null]);
  await assertRejects(() => jobs.add({}, "a"), JobExistsError, "runs/a");
  await Deno.mkdir(join(runs, "taken"));
  await assertRejects(() => jobs.add({}, "taken"), JobExistsError, "taken");
  const events = await until(jobs, "a");
  assertEquals(events[0], { event: "start", run: "runs/a", steps: 12 });
  assertEquals(
    events.filter(({ event }) => event === "checkpoint"),
    [5, 10, 12].map((step) => ({
      event: "checkpoint" as const,
      step,
      folder: `runs/a/checkpoints/step-${step}`,
    })),
  );
  assertEquals(events.at(-1)!.event, "done");
  const done = (await jobs.get("a"))!;
  assertEquals([done.state, done.step, done.steps, done.attempt, done.exitCode], ["succeeded", 12, 12, 1, 0]);
  assertEquals([done.checkpoint, done.secondsLeft], ["runs/a/checkpoints/step-12", null]);
  assert(done.createdAt <= done.startedAt! && done.startedAt! <= done.endedAt!);
  assertMatch(done.worker!, /^\S+:\d+:/);
  assertEquals((await Array.fromAsync(jobs.logs("a"))).map(({ line }) => line), ["goes on from step 0"]);

  // A follower that comes later, and knows some already.
  const all = await Array.fromAsync(jobs.events("a"));
  assertEquals(await Array.fromAsync(jobs.events("a", { after: all[2].id })), all.slice(3));

  // Canceling one that runs and one that waits; one job runs at a time.
  await jobs.add({ steps: 10_000 }, "b");
  await jobs.add({}, "c");
  await until(jobs, "b", "progress");
  assertEquals((await jobs.get("c"))!.state, "queued");
  assertEquals((await jobs.cancel("c")).state, "canceled");
  assertEquals((await jobs.cancel("b")).state, "canceling");
  const canceled = await ended(jobs, "b");
  assertEquals([canceled.state, canceled.exitCode, canceled.error], ["canceled", 0, null]);
  assert(canceled.step > 0 && canceled.checkpoint === `runs/b/checkpoints/step-${canceled.step}`);
  assertEquals((await jobs.cancel("b")).state, "canceled");

  // Going on.
  await assertRejects(() => jobs.resume("a"), JobStateError, "steps must be > 12");
  await jobs.resume("b", { steps: canceled.step + 3 });
  await assertRejects(() => jobs.resume("b"), JobStateError);
  const resumed = await ended(jobs, "b");
  assertEquals([resumed.state, resumed.step, resumed.attempt], ["succeeded", canceled.step + 3, 2]);
  const record = await readRecord(join(runs, "b"));
  assert(isOneAtATime(record));
  assertEquals(record.filter(({ what }) => what === "begin").map(({ step }) => step), [0, canceled.step]);

  // What is wrong with the job itself is not tried again.
  await jobs.add({ seed: 2 }, "d");
  const failed = await ended(jobs, "d");
  assertEquals([failed.state, failed.attempt, failed.exitCode, failed.error], ["failed", 1, 2, "seed must not be 2"]);

  // What hears no request is killed, and says so; its checkpoint is there to go on from.
  await jobs.add({ seed: 4, steps: 7, checkpointEvery: 5 }, "stuck");
  await until(jobs, "stuck", "checkpoint");
  await jobs.cancel("stuck");
  const stuck = await ended(jobs, "stuck");
  assertEquals([stuck.state, stuck.exitCode, stuck.checkpoint], ["canceled", 137, "runs/stuck/checkpoints/step-5"]);
  assertEquals(stuck.error, "it did not stop in time and was killed; it can go on from its last checkpoint");
  await jobs.resume("stuck");
  const freed = await ended(jobs, "stuck");
  assertEquals([freed.state, freed.step, freed.error], ["succeeded", 7, null]);
  const steps = (await readRecord(join(runs, "stuck"))).filter(({ what }) => what === "step").map(({ step }) => step);
  assertEquals(steps, [1, 2, 3, 4, 5, 6, 7]);

  // A line that a database could not hold, or that is cut within a character, is held all the same.
  await jobs.add({ seed: 5, steps: 1 }, "lines");
  await ended(jobs, "lines");
  const [said] = (await Array.fromAsync(jobs.logs("lines"))).filter(({ line }) => line.startsWith("odd"));
  assertEquals(said.line, `odd \\u0000 ${"x".repeat(2000 - 13)}\ufffd`);

  // What would take more than it may, which the server that took it did not know.
  await jobs.add({ batch: 65_536, engine: "wasm" }, "large");
  const large = await ended(jobs, "large");
  assertEquals([large.state, large.attempt, large.exitCode], ["failed", 1, 2]);
  assertMatch(large.error!, /^batch must be chosen so that training takes at most 1.00 GB of memory, not about/);

  assertEquals((await jobs.list()).map(({ id }) => id), ["a", "b", "c", "d", "stuck", "lines", "large"]);
  assertEquals((await jobs.list({ after: "a", limit: 1 })).map(({ id }) => id), ["b"]);
  assertEquals((await jobs.list({ states: ["failed", "canceled"] })).map(({ id }) => id), ["c", "d", "large"]);
  for (const ask of [jobs.cancel, jobs.resume]) await assertRejects(() => ask("z"), JobMissingError);
  await assertRejects(() => Array.fromAsync(jobs.events("z")), JobMissingError);
  await assertRejects(() => Array.fromAsync(jobs.logs("z")), JobMissingError);
  assertEquals(await jobs.get("z"), undefined);
};

writingTest("the queue on PGlite keeps, runs, cancels and resumes jobs; its folder is one server's", async (runs) => {
  const settings = { runs, folder: join(runs, ".queue"), launch: launchLeased, grace: 1000, limits: { memory: 1e9 } };
  const queue = createQueue(settings);
  const second = createQueue(settings);
  try {
    await contract(queue, runs);
    await assertRejects(() => second.list(), JobsUnavailableError, "another server's");

    // A server that stops hands its jobs back, and the next one goes on with them.
    await queue.add({ steps: 40, checkpointEvery: 1000 }, "e");
    await until(queue, "e", "progress");
    await queue.close();
    await assertRejects(() => queue.list(), JobsUnavailableError);
    const job = await ended(second, "e");
    assertEquals([job.state, job.step, job.attempt], ["succeeded", 40, 2]);
    const record = await readRecord(join(runs, "e"));
    assert(isOneAtATime(record));
    // No step was done twice: the first server's checkpoint was the last thing it did.
    assertEquals(
      record.filter(({ what }) => what === "step").map(({ step }) => step),
      [...Array(40).keys()].map((i) => i + 1),
    );
  } finally {
    await queue.close();
    await second.close();
  }
}, reason);

/** Launches a process that trains until it is told to stop, and takes as long over its checkpoint as the test says. */
const launchSlow = () => {
  const written = Promise.withResolvers<void>();
  const [stopped, killed] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const launch: typeof launchTraining = (_, { onEvent }) => {
    onEvent({ event: "progress", step: 7, steps: 9, loss: 1, imagesPerSecond: 1, secondsLeft: 2 });
    const ended = Promise.race([
      Promise.all([stopped.promise, written.promise]).then(() => {
        onEvent({ event: "stopped", step: 7, resume: "" });
        return { code: 0, stderr: "", isKilled: false };
      }),
      killed.promise.then(() => ({ code: 137, stderr: "", isKilled: true })),
    ]);
    return { ended, stop: stopped.resolve, kill: killed.resolve, renew: () => {} };
  };
  return { launch, write: written.resolve, stopped: stopped.promise };
};

writingTest(
  "a queue that closes waits for checkpoints, says so, and kills what takes longer than it may",
  async (runs) => {
    const settings = { runs, folder: join(runs, ".queue") };
    const patient = launchSlow();
    const said: string[] = [];
    const first = createQueue({ ...settings, launch: patient.launch });
    await first.add({}, "slow");
    await until(first, "slow", "progress");
    const closing = first.close({ grace: 60_000, say: (message) => said.push(message) });
    await patient.stopped;
    assertEquals(said, ["slow: writes a checkpoint, waited for 60 s at most"]);
    patient.write();
    await closing;

    const stuck = launchSlow();
    const second = createQueue({ ...settings, launch: stuck.launch });
    second.start();
    while ((await second.get("slow"))!.attempt < 2) await new Promise((resume) => setTimeout(resume, 20));
    await until(second, "slow", "progress");
    said.length = 0;
    await second.close({ grace: 300, say: (message) => said.push(message) });
    assertEquals(said.at(-1), "slow: killed: no checkpoint in 0.3 s; the last one before it counts");

    const third = createQueue({ ...settings, workers: 0 });
    const { state, attempt, step } = (await third.get("slow"))!;
    await third.close();
    assertEquals([state, attempt, step], ["queued", 2, 7]);
  },
  reason,
);

writingTest("the queue on PostgreSQL does the same, and two servers may begin at once", async (runs) => {
  await using postgres = await startPostgres();
  const settings = { runs, url: postgres.url, launch: launchLeased, grace: 1000, limits: { memory: 1e9 } };
  const [queue, idle] = [createQueue(settings), createQueue({ ...settings, workers: 0 })];
  try {
    await Promise.all([queue.list(), idle.list()]);
    await contract(queue, runs);
    assertEquals(await idle.list(), await queue.list());
    // What one server is asked for, another runs; who follows it elsewhere sees all.
    await idle.add({ steps: 3 }, "f");
    assertEquals((await until(idle, "f")).at(-1)!.event, "done");
    // The database comes back, and so do its followers and its workers.
    await idle.add({ steps: 100, warmup: 50 }, "g");
    await until(idle, "g", "progress");
    await postgres.restart();
    let job: Job | undefined;
    while (job?.endedAt == null) {
      job = await idle.get("g").catch(() => undefined);
      await new Promise((resume) => setTimeout(resume, 100));
    }
    assertEquals([job.state, job.attempt], ["succeeded", 1]);
  } finally {
    await idle.close();
    await queue.close();
  }
}, reason || whyNoPostgres);
