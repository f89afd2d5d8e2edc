/**
 * This project's server beside one of FastAPI and diffusers, on the same weights and machine, in the same run: throughput
 * and latency below, at and above capacity, which is what the peer can do one request at a time. Prints tables, and JSON.
 *
 *     deno task bench serving [MODEL] [SECONDS] [RUNS]
 */
import { createChance } from "./chance.ts";
import {
  behindLong,
  closedLoop,
  lagWhile,
  nearestRankQuantile,
  type OpenLoop,
  openLoop,
  overhead,
  upperMedian,
} from "./serving/measures.ts";
import { type MeasuredServer, openOurs, openPeer } from "./serving/targets.ts";

const model = Deno.args[1] ?? "models/digits";
const [seconds, runs] = [Number(Deno.args[2] ?? 12), Number(Deno.args[3] ?? 3)];
const STEPS = [10, 20, 50, 100];
const MEAN = STEPS.reduce((sum, steps) => sum + steps) / STEPS.length;
const LOADS = [0.5, 1, 4, 8];

const targets = [
  await openOurs("onnx", model),
  await openOurs("tensorflow", model),
  await openOurs("wasm", model),
  await openPeer("serial", model),
  await openPeer("static", model),
];
const ours = targets.filter(({ isOurs }) => isOurs);
const [serialPeer] = targets.filter(({ isOurs }) => !isOurs);

const table = (head: readonly string[], rows: readonly (readonly string[])[]) =>
  console.log(`\n${[head, head.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n")}`);
const ms = (value: number) =>
  value >= 10 ? `${value.toFixed(1)} s` : `${(value * 1000).toFixed(value < 0.02 ? 1 : 0)} ms`;

/** Measures each target in turn, several times, and gives the medians by name. */
const inTurns = async <K extends string>(
  chosen: readonly MeasuredServer[],
  measure: (target: MeasuredServer) => Promise<Record<K, number>>,
): Promise<Map<string, Record<K, number>>> => {
  const all = new Map(chosen.map(({ name }) => [name, [] as Record<K, number>[]]));
  for (let run = 0; run < runs; run++) for (const target of chosen) all.get(target.name)!.push(await measure(target));
  return new Map([...all].map(([name, values]) => {
    const keys = Object.keys(values[0]) as K[];
    const middle = keys.map((key) => [key, upperMedian(values.map((value) => value[key]))]);
    return [name, Object.fromEntries(middle) as Record<K, number>];
  }));
};

for (const target of targets) await closedLoop(target, { clients: 16, steps: 4, seconds: 1 });

// One client and sixteen.
const clients = await inTurns(targets, async (target) => {
  const serial = await closedLoop(target, { clients: 1, steps: 50, seconds: seconds / 6 });
  const working = closedLoop(target, { clients: 16, steps: 50, seconds: seconds / 4 });
  const lags = await lagWhile(target, working);
  return {
    serial,
    together: await working,
    lag: nearestRankQuantile(lags, 0.5),
    lagP99: nearestRankQuantile(lags, 0.99),
    lagMost: Math.max(...lags),
  };
});
table(
  [
    "50 steps of DDIM",
    "1 client, images/s",
    "16 clients, images/s",
    "ratio",
    "/health meanwhile, median",
    "p99",
    "most",
  ],
  [...clients].map(([name, { serial, together, lag, lagP99, lagMost }]) => [
    name,
    serial.toFixed(2),
    together.toFixed(2),
    `${(together / serial).toFixed(2)} ×`,
    ms(lag),
    ms(lagP99),
    ms(lagMost),
  ]),
);

// Poisson arrivals.
const capacity = clients.get(serialPeer.name)!.serial * 50 / MEAN;
const arrivals: { load: number; rate: number; target: string; result: OpenLoop }[] = [];
for (const load of LOADS) {
  for (const target of targets) {
    if (clients.get(target.name)!.together * 50 / MEAN < load * capacity && target.name.endsWith("wasm")) continue;
    const rate = load * capacity;
    const result = await openLoop(target, createChance(7), { rate, steps: STEPS, seconds });
    arrivals.push({ load, rate, target: target.name, result });
  }
}
table(
  ["arrivals a second, of capacity", "server", "answered", "images/s", "median", "p95"],
  arrivals.map(({ load, rate, target, result: { asked: requests, answered, perSecond, p50, p95 } }) => [
    `${rate.toFixed(1)} (${load} ×)`,
    target,
    `${answered} of ${requests}`,
    perSecond.toFixed(1),
    ms(p50),
    `${answered < 0.95 * requests ? "> " : ""}${ms(p95)}`,
  ]),
);

// A short one behind long ones. The peers, which never pause, are asked for a tenth and their time is scaled.
const behind = await inTurns(targets, async (target) => {
  const scale = target.isOurs ? 1 : 10;
  return { behind: scale * await behindLong(target, { long: 1000 / scale, short: 10 }), alone: await target.draw(10) };
});
table(
  ["10 steps", "alone", "behind sixteen of 1000 steps"],
  [...behind].map(([name, { alone, behind }]) => [name, ms(alone), ms(behind)]),
);

// What is not the network.
const overheads = await inTurns(ours, async (target) => ({
  one: await overhead(target, { n: 1, steps: 200 }),
  sixteen: await overhead(target, { n: 16, steps: 100 }),
}));
table(
  ["share of a request outside the network", "1 image", "16 images"],
  [...overheads].map(([name, { one, sixteen }]) => [name, ...[one, sixteen].map((x) => `${(100 * x).toFixed(1)} %`)]),
);

console.log(JSON.stringify({
  bench: "serving",
  model,
  clients: Object.fromEntries(clients),
  capacity,
  arrivals,
  behind: Object.fromEntries(behind),
  overheads: Object.fromEntries(overheads),
}));
for (const { close } of targets) await close();
