/**
 * How long /health takes while the server samples: the HTTP thread must not wait for the network.
 *
 *     deno task bench health-latency [MODEL]
 */
import { z } from "zod";
import { createQueue } from "../jobs/queue/queue.ts";
import { openServer } from "../routes/server.ts";

const folder = Deno.args[1] ?? "models/digits";
const { origin, close } = await openServer({
  models: [folder],
  engine: "auto",
  host: "127.0.0.1",
  port: 0,
  jobs: createQueue(),
  trainingOptions: z.strictObject({}),
});

const measure = async (while_: () => boolean): Promise<number[]> => {
  const times: number[] = [];
  while (while_()) {
    const started = performance.now();
    await (await fetch(`${origin}/health`)).body!.cancel();
    times.push(performance.now() - started);
    await new Promise((resume) => setTimeout(resume, 10));
  }
  return times.sort((a, b) => a - b);
};
const show = (times: readonly number[]) =>
  ["median", 0.5, "p99", 0.99, "max", 1].map((q) =>
    typeof q === "string" ? q : `${times[Math.min(times.length - 1, Math.floor(q * times.length))].toFixed(1)} ms`
  ).join(" ");

let left = 100;
console.log(`idle:     ${show(await measure(() => left-- > 0))}`);
let busy = true;
const started = performance.now();
const drawn = fetch(`${origin}/generate?n=16&steps=50`).then((response) => response.bytes()).finally(() =>
  busy = false
);
console.log(`sampling: ${show(await measure(() => busy))}`);
await drawn;
console.log(`16 images in 50 steps: ${((performance.now() - started) / 1000).toFixed(2)} s`);
await close();
