import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { hasEnded, type Job, type Jobs } from "../../../jobs/jobs.ts";
import { createQueue } from "../../../jobs/queue/queue.ts";
import { executable } from "../../commands/run_main.ts";
import { reasonNotToWrite, writingTest } from "../../model/temporary_folder.ts";
import { startChaosWorker } from "./chaos.ts";
import { isOneAtATime, launchLeased, readRecord } from "./leased_training.ts";
import { startPostgres, whyNoPostgres } from "./postgres.ts";

const reason = whyNoPostgres || (executable ? "" : "needs --allow-run=deno");
const pause = (milliseconds: number) => new Promise<void>((resume) => setTimeout(resume, milliseconds));

const until = async (jobs: Jobs, fits: (all: Job[]) => boolean, seconds = 60): Promise<Job[]> => {
  for (const end = performance.now() + seconds * 1000;;) {
    const all = await jobs.list().catch(() => []);
    if (all.length > 0 && fits(all)) return all;
    if (performance.now() > end) throw new Error(`no end in sight: ${JSON.stringify(all)}`);
    await pause(100);
  }
};

/** Every process of a run wrote only before the next began, and no checkpoint was lost. */
const assertSound = async (run: string, steps: number): Promise<void> => {
  const record = await readRecord(run);
  assert(isOneAtATime(record), `two processes at once in ${run}`);
  // A checkpoint is written after its line, so that the last one may be missing.
  let [sure, last] = [0, 0];
  for (const { what, step } of record) {
    if (what === "begin") assert(step >= sure, `${run} went back to ${step}, behind its checkpoint of ${sure}`);
    if (what === "checkpoint") [sure, last] = [last, step];
  }
  assertEquals(record.at(-1), { ...record.at(-1)!, what: "end", step: steps });
};

writingTest(
  "jobs survive the death of workers, processes and the database; none is lost, none runs twice at once",
  async (runs) => {
    await using postgres = await startPostgres();
    const server = createQueue({ url: postgres.url, runs, workers: 0 });
    await server.list();
    const workers = [1, 2, 3].map(() => startChaosWorker(postgres.url, runs, 2));
    try {
      const steps = 100;
      for (let i = 0; i < 8; i++) await server.add({ steps, warmup: 60, checkpointEvery: 5 }, `job-${i}`);
      await until(server, (all) => all.filter(({ step }) => step > 0).length >= 4);
      await workers[0].crash();
      await workers[1].killChild();
      await postgres.restart();
      // Longer than a lease: when it wakes, its jobs are others'.
      await Promise.all([workers[2].freeze(13_000), pause(2000).then(() => workers[0].killChild())]);
      await postgres.crash();
      await workers[1].crash();
      const jobs = await until(server, (all) => all.every(hasEnded), 90);
      assertEquals(
        jobs.map(({ state, step, error }) => [state, step, error]),
        jobs.map(() => ["succeeded", steps, null]),
      );
      assert(jobs.some(({ attempt }) => attempt > 1));
      for (const { id } of jobs) await assertSound(join(runs, id), steps);
    } finally {
      await Promise.all(workers.map((worker) => worker.end()));
      await server.close();
    }
  },
  reason,
);

writingTest(
  "a dead worker's job goes on elsewhere from its last checkpoint; one that ends hands its job over",
  async (runs) => {
    await using postgres = await startPostgres();
    const server = createQueue({ url: postgres.url, runs, workers: 0 });
    await server.list();
    const workers = [startChaosWorker(postgres.url, runs, 1)];
    try {
      await server.add({ steps: 400, warmup: 60, checkpointEvery: 5 }, "job");
      const [{ worker: first }] = await until(server, ([{ step }]) => step > 10);
      workers.push(startChaosWorker(postgres.url, runs, 1));
      await pause(1500);

      // Killed, it can say nothing: its heartbeat is missed.
      await workers[0].kill();
      const taken = await until(server, ([job]) => job.attempt === 2 && job.worker !== first);
      const before = (await readRecord(join(runs, "job"))).filter(({ pid }, _, [{ pid: own }]) => pid === own);
      const last = before.findLast(({ what }) => what === "checkpoint")!;
      await until(server, ([{ step }]) => step > last.step + 5);
      const begun = (await readRecord(join(runs, "job"))).findLast(({ what }) => what === "begin")!;
      assertEquals(begun.step, last.step);
      assertEquals(taken[0].state, "running");

      // Asked to end, it writes a checkpoint and hands its job over.
      const third = startChaosWorker(postgres.url, runs, 1);
      workers.push(third);
      await pause(1500);
      assertEquals(await workers[1].end(), 0);
      const [handed] = await until(server, ([{ attempt, state }]) => attempt === 3 && state === "running");
      assert(handed.worker !== taken[0].worker);
      const isBegun = async () =>
        (await readRecord(join(runs, "job"))).filter(({ what }) => what === "begin").length === 3;
      while (!await isBegun()) await pause(50);
      await server.cancel("job");
      await until(server, (all) => all.every(hasEnded));
      const record = await readRecord(join(runs, "job"));
      assert(isOneAtATime(record));
      const [, , next] = record.filter(({ what }) => what === "begin");
      // No step of the one that ended was lost.
      assertEquals(record[record.indexOf(next) - 1], {
        ...record[record.indexOf(next) - 1],
        what: "end",
        step: next.step,
      });
    } finally {
      await Promise.all(workers.map((worker) => worker.end()));
      await server.close();
    }
  },
  reason,
);

writingTest("a server that is killed finds its jobs again in its folder, and goes on with them", async (runs) => {
  const folder = join(runs, ".queue");
  const before = createQueue({ runs, folder, workers: 0 });
  await before.add({ steps: 200, warmup: 30, checkpointEvery: 5 }, "a");
  await before.add({ steps: 5 }, "b");
  await before.close();
  const server = startChaosWorker("", runs, 1);
  while ((await readRecord(join(runs, "a")).catch(() => [])).length < 40) await pause(50);
  await server.kill();

  const after = createQueue({ runs, folder, launch: launchLeased });
  try {
    const jobs = await until(after, (all) => all.every(hasEnded));
    assertEquals(jobs.map(({ id, state, attempt }) => [id, state, attempt]), [["a", "succeeded", 2], [
      "b",
      "succeeded",
      1,
    ]]);
    await assertSound(join(runs, "a"), 200);
  } finally {
    await after.close();
  }
}, reasonNotToWrite || (executable ? "" : "needs --allow-run=deno"));
