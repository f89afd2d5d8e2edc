/**
 * What the scheduler costs beside the network, and how long a short request takes behind long ones. Prints one JSON line
 * for each size of a call, and one for the latencies.
 *
 *     deno task bench scheduling [ENGINE] [MODEL]
 */
import { fillNormal } from "../core/noise.ts";
import type { EngineName } from "../engine/mod.ts";
import { openServing, type Serving } from "../serving/client.ts";
import type { SamplingRequest } from "../serving/request.ts";

const [engine = "auto", folder = "models/digits"] = Deno.args.slice(1) as [(EngineName | "auto")?, string?];
const RUNS = 5;

const serving: Serving = await openServing({ models: [folder], engine });
const [info] = serving.models;
const size = info.height * info.width * info.channels;

const request = (n: number, steps: number, seed = 1): SamplingRequest => {
  const labels = info.labels === null ? null : Array.from({ length: n }, (_, i) => i % info.labels!.length);
  return { kind: "generate", sampling: { n, seed, sampler: "ddpm", steps, guidance: 1, labels } };
};
const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1];
const round = (value: number, digits = 3): number => Number(value.toFixed(digits));

const secondsOf = async (run: () => Promise<unknown>): Promise<number> => {
  const started = performance.now();
  await run();
  return (performance.now() - started) / 1000;
};

const noiseSeconds = median(Array.from({ length: 200 }, (_, step) => {
  const started = performance.now();
  for (let i = 0; i < 10; i++) fillNormal(new Float32Array(size), { seed: 1, sample: i, step });
  return (performance.now() - started) / 10_000;
}));

// What the engine compiles while it has nothing to do had better not be measured.
await new Promise((resume) => setTimeout(resume, 3000));

const STEPS = 100;
for (const rows of [1, 2, 4, 8, 16]) {
  await serving.run(info.name, request(rows, 5));
  const runs: { step: number; engine: number; wall: number }[] = [];
  for (let i = 0; i < RUNS; i++) {
    let [step, engine] = [0, 0];
    serving.onBatch = (batch) => {
      step += batch.seconds;
      engine += batch.engineSeconds;
    };
    const wall = await secondsOf(() => serving.run(info.name, request(rows, STEPS), { onEvent: () => {} }));
    runs.push({ step, engine, wall });
  }
  serving.onBatch = null;
  const share = (part: (run: { step: number; engine: number; wall: number }) => number) =>
    round(100 * median(runs.map(part)), 2);
  console.log(JSON.stringify({
    bench: "scheduling",
    engine: info.engine.name,
    model: info.name,
    rows,
    millisecondsAStep: round(1000 * median(runs.map(({ wall }) => wall)) / STEPS),
    percentOutsideTheNetwork: share(({ wall, engine }) => (wall - engine) / wall),
    percentOfThatInSteps: share(({ wall, engine, step }) => (step - engine) / wall),
    percentNoise: round(100 * noiseSeconds * rows * STEPS / median(runs.map(({ wall }) => wall)), 2),
  }));
}

const short = request(1, 10, 2);
const alone = median(await Promise.all([secondsOf(() => serving.run(info.name, short))]));
const long = new AbortController();
const steps = Math.min(1000, info.timesteps);
const { signal } = long;
const crowd = Array.from({ length: 16 }, (_, i) => serving.run(info.name, request(1, steps, i), { signal }));
const begun = performance.now();
await serving.run(info.name, request(1, 20, 3));
const among: number[] = [];
for (let i = 0; i < RUNS; i++) among.push(await secondsOf(() => serving.run(info.name, short)));
const aloneAgain: number[] = [];
const { rows, seconds } = serving.stats[0];
await Promise.race([Promise.all(crowd), new Promise((resume) => setTimeout(resume, 20_000))]);
const left = 16 * steps - (serving.stats[0].rows - rows);
const rate = (serving.stats[0].rows - rows) / (serving.stats[0].seconds - seconds);
const crowdSeconds = (performance.now() - begun) / 1000 + Math.max(0, left) / rate;
long.abort();
await Promise.allSettled(crowd);
for (let i = 0; i < RUNS; i++) aloneAgain.push(await secondsOf(() => serving.run(info.name, short)));
console.log(JSON.stringify({
  bench: "scheduling",
  engine: info.engine.name,
  model: info.name,
  stepsOfTheLongOnes: steps,
  shortAloneMilliseconds: round(1000 * Math.min(alone, median(aloneAgain)), 1),
  shortBehind16LongMilliseconds: round(1000 * median(among), 1),
  allLongSecondsAbout: round(crowdSeconds, 1),
}));
await serving.close();
