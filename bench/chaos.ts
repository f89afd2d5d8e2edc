/**
 * Trains many small models by several workers on one PostgreSQL while workers, training processes and the database are
 * killed, frozen and restarted at random; then looks whether every job succeeded, whether two processes ever had a job at
 * once, whether all models are the same to the bit (they have one recipe), and how long take-overs took.
 *
 *     deno task bench chaos [JOBS [SEED]]
 */
import { join } from "@std/path";
import { hasEnded, type Job } from "../jobs/jobs.ts";
import { createQueue } from "../jobs/queue/queue.ts";
import { startChaosWorker } from "../tests/jobs/queue/chaos.ts";
import { isOneAtATime, readRecord } from "../tests/jobs/queue/leased_training.ts";
import { startPostgres, whyNoPostgres } from "../tests/jobs/queue/postgres.ts";
import { SUMS_FILE } from "../training/digest.ts";
import { createChance } from "./chance.ts";
import { median } from "./median.ts";

interface Line {
  readonly pid: number;
  readonly at: number;
  readonly what: "begin" | "alive" | "end";
}

const [, count = "40", seed = "1"] = Deno.args;
const WORKERS = 3, STEPS = 60;
const recipe = {
  ...{ preset: "tiny", engine: "wasm", data: "mnist-test", steps: STEPS, batch: 4, timesteps: 8, warmup: 0 },
  ...{ checkpointEvery: 10, sampleEvery: 1000, keep: 1 },
};

if (whyNoPostgres) throw new Error(whyNoPostgres);
const pause = (milliseconds: number) => new Promise<void>((resume) => setTimeout(resume, milliseconds));
await Deno.mkdir("runs", { recursive: true });
const runs = await Deno.makeTempDir({ dir: "runs", prefix: "chaos-" });
await using postgres = await startPostgres();
const server = createQueue({ url: postgres.url, runs, workers: 0 });
for (let i = 0; i < Number(count); i++) await server.add(recipe, `job-${i}`);
const workers = Array.from(
  { length: WORKERS },
  () => startChaosWorker(postgres.url, runs, 1, "bench/chaos/trainer.ts"),
);
const chance = createChance(Number(seed));
const list = (): Promise<Job[]> => server.list().catch(() => []);

const began = performance.now();
const deaths: { at: number; job: string }[] = [];
const done: Record<string, number> = {};
const runningOn = async (pid: number): Promise<string[]> =>
  (await list()).filter(({ state, worker }) => state === "running" && worker?.includes(`:${pid}:`)).map(({ id }) => id);

const BLOWS: Record<string, () => Promise<void>> = {
  "worker killed": async () => {
    const worker = chance.pick(workers);
    const jobs = await runningOn(worker.pid);
    deaths.push(...jobs.map((job) => ({ at: Date.now(), job })));
    await worker.crash(chance.integer(200, 2000));
  },
  "training process killed": () => chance.pick(workers).killChild(),
  "worker frozen for 13 s": () => chance.pick(workers).freeze(13_000),
  "PostgreSQL restarted": () => postgres.restart(chance.integer(100, 2000)),
  "PostgreSQL killed": () => postgres.crash(chance.integer(100, 2000)),
};
const NAMES = Object.keys(BLOWS);
const SHARES = [0, 0, 0, 1, 1, 1, 1, 2, 3, 4].map((i) => NAMES[i]);

let jobs = await list();
while (!(jobs.length > 0 && jobs.every(hasEnded))) {
  const blow = chance.pick(SHARES);
  done[blow] = (done[blow] ?? 0) + 1;
  await BLOWS[blow]();
  await pause(chance.wait(3000));
  jobs = await list();
}
const seconds = (performance.now() - began) / 1000;

const records = new Map<string, Line[]>();
for (const { id } of jobs) records.set(id, await readRecord<Line>(join(runs, id)));
const sums = new Set<string>();
for (const { id, state } of jobs) {
  if (state === "succeeded") {
    sums.add(await Deno.readTextFile(join(runs, id, "checkpoints", `step-${STEPS}`, SUMS_FILE)));
  }
}
const takeOvers = deaths.flatMap(({ at, job }) => {
  const next = records.get(job)!.find((line) => line.what === "begin" && line.at > at);
  return next ? [(next.at - at) / 1000] : [];
});
const printRow = (what: string, value: string | number) => console.log(`| ${what} | ${value} |`);
console.log(`| ${count} jobs, ${WORKERS} workers, seed ${seed} | |\n| --- | ---: |`);
for (const name of NAMES) printRow(name, done[name] ?? 0);
printRow("jobs that succeeded", jobs.filter(({ state }) => state === "succeeded").length);
printRow(
  "jobs of which two processes were there at once",
  jobs.filter(({ id }) => !isOneAtATime(records.get(id)!)).length,
);
printRow("different models (one recipe)", sums.size);
printRow("attempts, all", jobs.reduce((sum, { attempt }) => sum + attempt, 0));
printRow("attempts of one job, most", Math.max(...jobs.map(({ attempt }) => attempt)));
if (takeOvers.length > 0) {
  printRow("jobs whose worker was killed: seconds until the next process, median", median(takeOvers).toFixed(1));
  printRow("the same, longest", Math.max(...takeOvers).toFixed(1));
}
printRow("seconds, all", seconds.toFixed(0));
for (const { id, state, error } of jobs) if (state !== "succeeded") console.log(`${id} ${state}: ${error}`);

await Promise.all(workers.map((worker) => worker.end()));
await server.close();
await Deno.remove(runs, { recursive: true });
const isSound = jobs.every(({ state }) => state === "succeeded") && sums.size === 1 &&
  jobs.every(({ id }) => isOneAtATime(records.get(id)!));
if (!isSound) Deno.exit(1);
