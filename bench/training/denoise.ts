/**
 * This project's side of the comparison: `train` itself, which waits for its turn between steps.
 *
 *     deno run … bench/training/denoise.ts ENGINE TASK
 */
import type { TrainingEvent } from "../../jobs/events.ts";
import { trainOptions } from "../../jobs/options.ts";
import { train } from "../../jobs/train.ts";
import type { Task } from "./task.ts";

const [engine, path] = Deno.args;
const { recipe, data } = JSON.parse(Deno.readTextFileSync(path)) as Task;

// Time stands still while others have their turns.
const clock = performance.now.bind(performance);
let waited = 0;
performance.now = () => clock() - waited;

/** Reads a line, and keeps the whole thread waiting for it; `null` at the end. */
const readLine = (): string | null => {
  const byte = new Uint8Array(1), text: number[] = [];
  while (Deno.stdin.readSync(byte) !== null) {
    if (byte[0] === 10) return String.fromCharCode(...text);
    text.push(byte[0]);
  }
  return null;
};

let started = 0, left = 0;
const awaitTurn = (): void => {
  const from = clock();
  const line = readLine();
  if (line === null) Deno.exit();
  left = JSON.parse(line).steps;
  waited += clock() - from;
  started = performance.now();
};

const report = (event: TrainingEvent): void => {
  if (event.event !== "progress" || --left > 0) return;
  const { loss, outsideShare } = event;
  console.log(JSON.stringify({ seconds: (performance.now() - started) / 1000, loss, outsideShare }));
  awaitTurn();
};

console.log(JSON.stringify({ description: `Deno ${Deno.version.deno}, ${engine}` }));
awaitTurn();
const { preset, batch, microBatch, steps, checkpointEvery, sampleEvery } = recipe;
const options = { preset, batch, microBatch, steps, checkpointEvery, sampleEvery };
await train(trainOptions.parse({ ...options, data, engine, out: `${path}.${engine}.run` }), {
  signal: new AbortController().signal,
  report,
});
