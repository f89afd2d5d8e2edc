/**
 * Many clients at once, who ask for random things and go away at random, against a server of its own. Fails unless memory
 * stays flat, nothing is left under way, and every image of a sample is the same, bit for bit, when it is asked for alone.
 *
 *     deno task bench load [SECONDS] [CLIENTS] [ENGINE] [MODEL]
 */
import { createChance } from "./chance.ts";
import { fitTrend, heapRanges, parseMemory, type ServerMemory } from "./load/memory.ts";
import { type DrawingRequest, randomRequest } from "./load/random_request.ts";
import { median } from "./median.ts";
import { startServer } from "./start_program.ts";

/** Seconds: of less, no trend can be told. */
const SHORTEST = 90;
const [seconds, clients] = [Number(Deno.args[1] ?? 600), Number(Deno.args[2] ?? 200)];
const [engine, model] = [Deno.args[3] ?? "wasm", Deno.args[4] ?? "tests/fixtures/tiny-model"];
if (!(seconds >= SHORTEST)) {
  console.error(`error: SECONDS must be at least ${SHORTEST}, received ${Deno.args[1]}`);
  Deno.exit(2);
}
const LEAVE = 0.2;
const SAMPLE = 300;

/** MiB a minute: a trend that is known no better says nothing. */
const LARGEST_ERROR = 3;

const server = await startServer([
  ...[`--model=${model}`, `--engine=${engine}`, "--max-concurrent=0", "--queue=100000", "--keep-results=20"],
]);
const { origin } = server;
const send = ({ method, path, headers, body }: DrawingRequest, signal?: AbortSignal) =>
  fetch(origin + path, { method, headers, body, signal });
const digest = async (bytes: BufferSource) => new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
const pause = (ms: number) => new Promise((resume) => setTimeout(resume, ms));
const modelState = async () => (await (await fetch(`${origin}/models`)).json())[0];
const readMemory = async () => parseMemory(await (await fetch(`${origin}/metrics`)).text());
const { labels } = await modelState();

const counts = { answered: 0, refused: 0, aborted: 0 };
const failures: string[] = [];
const sample: { request: DrawingRequest; digest: string }[] = [];
let exact = 0;
const reservoir = createChance(0);
const end = performance.now() + seconds * 1000;

/** Keeps an even sample of all answers, however many there will be. */
const addToSample = (entry: typeof sample[number]) => {
  exact++;
  const slot = sample.length < SAMPLE ? sample.length : reservoir.integer(0, exact - 1);
  if (slot < SAMPLE) sample[slot] = entry;
};

const beClient = async (client: number): Promise<void> => {
  const chance = createChance(1 + client);
  await pause(chance.wait(500));
  while (performance.now() < end) {
    const request = randomRequest(chance, labels);
    const leaving = new AbortController();
    const leaves = chance.number() < LEAVE;
    const timer = leaves ? setTimeout(() => leaving.abort(), chance.wait(1000)) : undefined;
    try {
      const response = await send(request, leaving.signal);
      const bytes = await response.bytes();
      if (response.status === 429) {
        counts.refused++;
        await pause(1000 * chance.number() * Number(response.headers.get("retry-after")));
      } else if (response.status !== 200) {
        failures.push(`${response.status} ${request.path}: ${new TextDecoder().decode(bytes)}`);
      } else {
        counts.answered++;
        if (request.isExact) addToSample({ request, digest: await digest(bytes) });
        else if (new TextDecoder().decode(bytes).includes("event: error")) failures.push(`${request.path}: an error`);
      }
    } catch (error) {
      if (leaving.signal.aborted) counts.aborted++;
      else failures.push(`${request.path}: ${error}`);
    } finally {
      clearTimeout(timer);
    }
  }
};

const memory: ServerMemory[] = [];
const watch = async (): Promise<void> => {
  const started = performance.now();
  for (let ticks = 1; performance.now() < end; ticks++) {
    await pause(Math.min(1000, end - performance.now()));
    const now = await readMemory();
    memory.push(now);
    if (ticks % 10 !== 0) continue;
    const heaps = Object.entries(now.heaps).map(([thread, heap]) => `${thread} ${heap.toFixed(0)}`).join(", ");
    const { running, queued } = await modelState();
    const at = Math.round((performance.now() - started) / 1000);
    console.log(
      `${at} s  rss ${now.rss.toFixed(0)} MiB (${heaps})  running ${running}  queued ${queued}  ` +
        `answered ${counts.answered}  refused ${counts.refused}  aborted ${counts.aborted}  failed ${failures.length}`,
    );
  }
};

await Promise.all([watch(), ...Array.from({ length: clients }, (_, client) => beClient(client))]);
await pause(1000);
const { running, queued } = await modelState();
let different = 0;
for (const { request, digest: expected } of sample) {
  const response = await send(request);
  if (await digest(await response.bytes()) === expected) continue;
  different++;
  console.log(`differs: ${request.method} ${request.path} ${typeof request.body === "string" ? request.body : ""}`);
}
const third = Math.floor(memory.length / 3);
const [first, last] = [memory.slice(0, third), memory.slice(-third)];
const rss = memory.map(({ rss }) => rss);

// The first third is left to warm up: heaps and pools grow to what the load needs at its busiest.
const trend = fitTrend(rss.slice(third), { block: 10, span: 60 * memory.length / seconds });
const isFlat = trend.slope <= 2 * trend.error && trend.error <= LARGEST_ERROR;
const rounded = (value: number) => Number(value.toFixed(1));
await server.close();

for (const failure of failures.slice(0, 10)) console.log(`failed: ${failure}`);
console.log(JSON.stringify({
  bench: "load",
  engine,
  model,
  seconds,
  clients,
  ...counts,
  failed: failures.length,
  left: { running, queued },
  rssMiB: {
    firstThird: Math.round(median(rss.slice(0, third))),
    lastThird: Math.round(median(rss.slice(-third))),
    perMinute: rounded(trend.slope),
    error: rounded(trend.error),
  },
  heapsMiB: { firstThird: heapRanges(first), lastThird: heapRanges(last) },
  askedAgain: sample.length,
  different,
}));
const isSound = failures.length + different + running + queued === 0 && isFlat && sample.length >= 200;
if (!isSound) Deno.exit(1);
