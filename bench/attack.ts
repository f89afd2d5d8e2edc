/**
 * An attack on a server of its own: many connections that say nothing, send half a head, half a body, or ask for much and
 * take nothing; with what /health takes meanwhile, asked from another address, and the server's memory. Fails if /health was not answered, or if a
 * picture cannot be drawn afterwards.
 *
 *     deno task bench attack [CONNECTIONS] [SECONDS] [ENGINE] [MODEL]
 *
 * This process needs a file for each connection as well: `ulimit -n` has to allow for them.
 */
import type { HealthTimes, HealthWatch } from "./attack_health.ts";
import { parseMemory } from "./load/memory.ts";
import { median } from "./median.ts";
import { startServer } from "./start_program.ts";

const [count, seconds] = [Number(Deno.args[1] ?? 2000), Number(Deno.args[2] ?? 30)];
const [engine, model] = [Deno.args[3] ?? "wasm", Deno.args[4] ?? "tests/fixtures/tiny-model"];
for (const [name, value] of [["CONNECTIONS", count], ["SECONDS", seconds]] as const) {
  if (value >= 1) continue;
  console.error(
    `error: ${name} must be a number ≥ 1, received ${JSON.stringify(name === "SECONDS" ? Deno.args[2] : Deno.args[1])}`,
  );
  Deno.exit(2);
}

const server = await startServer([`--model=${model}`, `--engine=${engine}`]);
const { hostname, port, host } = new URL(server.origin);
const lines = (...lines: string[]) => [...lines, `Host: ${host}`, ""].join("\r\n");
const json = ["Content-Type: application/json", "Content-Length: 60000"];

/** What each connection sends; it reads nothing. */
const ATTACKS: Readonly<Record<string, string>> = {
  "says nothing": "",
  "half a head": lines("GET /health HTTP/1.1"),
  "half a body": `${lines("POST /generate HTTP/1.1", ...json)}\r\n{`,
  "takes nothing": `${lines("GET /docs/swagger-ui.js HTTP/1.1")}\r\n`.repeat(6),
  "takes no events": `${lines("GET /generate?n=4&steps=100&frames=50&format=event-stream HTTP/1.1")}\r\n`,
  "all of them": "",
};
const kinds = Object.values(ATTACKS).slice(0, -1);

const client = Deno.createHttpClient({ localAddress: "127.0.0.2" });

const memory = async () => {
  const { rss } = parseMemory(await (await fetch(`${server.origin}/metrics`, { client })).text());
  return Math.round(rss);
};

const watcher = new Worker(new URL("attack_health.ts", import.meta.url), { type: "module" });

/** What /health takes for a while. */
const watchHealth = (watch: HealthWatch): Promise<HealthTimes> => {
  const { promise, resolve } = Promise.withResolvers<HealthTimes>();
  watcher.onmessage = ({ data }) => resolve(data);
  watcher.postMessage(watch);
  return promise;
};

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, Math.max(0, milliseconds)));

/** Keeps one connection under attack: where the server closes it, another takes its place a second later. */
const hold = async (text: string, end: number, counts: { opened: number; failed: number }): Promise<void> => {
  while (performance.now() < end) {
    try {
      using connection = await Deno.connect({ hostname, port: Number(port) });
      counts.opened++;
      await connection.write(new TextEncoder().encode(text));
      const isReader = !text.includes("\r\n\r\n") || text.includes("Content-Length");
      const over = pause(end - performance.now());
      // One byte at a time says when it is closed, and takes next to nothing.
      const closed = isReader ? connection.read(new Uint8Array(1)).catch(() => null) : over;
      await Promise.race([closed, over]);
    } catch {
      counts.failed++;
    }
    await pause(Math.min(1000, end - performance.now()));
  }
};

let failed = false;
try {
  console.log(`${count} connections at a time, ${seconds} s each; resident before: ${await memory()} MiB`);
  for (const [name, text] of Object.entries(ATTACKS)) {
    const end = performance.now() + seconds * 1000;
    const counts = { opened: 0, failed: 0 };
    const attack = Array.from(
      { length: count },
      (_, i) => hold(name === "all of them" ? kinds[i % kinds.length] : text, end, counts),
    );
    const times = await watchHealth({ origin: server.origin, milliseconds: seconds * 1000 });
    const during = await memory().catch(() => NaN);
    await Promise.all(attack);
    const answered = times.filter((time) => time !== null);
    failed ||= answered.length === 0;
    const health = answered.length === 0
      ? "never answered"
      : `median ${median(answered).toFixed(0)} ms, worst ${Math.max(...answered).toFixed(0)} ms`;
    const { opened, failed: lost } = counts;
    console.log(
      `${name.padEnd(16)} ${opened} opened, ${lost} failed; /health: ${health}, ${times.length - answered.length} of ` +
        `${times.length} not answered; resident ${during} MiB`,
    );
  }
  const drawn = await fetch(`${server.origin}/generate?steps=10`, { client });
  await drawn.body!.cancel();
  failed ||= drawn.status !== 200;
  console.log(`afterwards: /generate answers ${drawn.status}; resident ${await memory()} MiB`);
} finally {
  watcher.terminate();
  await server.close();
}
Deno.exit(failed ? 1 : 0);
