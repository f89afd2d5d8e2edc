/**
 * This project's side of the comparison: `train` itself, which waits for its turn between steps.
 *
 *     deno run … bench/training/denoise.ts tensorflow|xla|wasm TASK
 */
import type { TrainingEvent } from "../../training/events.ts";
import { trainOptions } from "../../training/recipe.ts";
import { train } from "../../training/train.ts";
import type { TrainingTask } from "./task.ts";

const [kind, path] = Deno.args;
const engine = kind === "xla" ? "tensorflow" : kind;
const { recipe, data } = JSON.parse(Deno.readTextFileSync(path)) as TrainingTask;

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

let started = 0, left = 0, stretchSteps = 0, losses = 0;
const awaitTurn = (): void => {
  const from = clock();
  const line = readLine();
  if (line === null) Deno.exit();
  left = stretchSteps = JSON.parse(line).steps;
  losses = 0;
  waited += clock() - from;
  started = performance.now();
};

const report = (event: TrainingEvent): void => {
  if (event.event !== "progress") return;
  losses += event.loss!;
  if (--left > 0) return;
  const { outsideShare } = event;
  console.log(
    JSON.stringify({ seconds: (performance.now() - started) / 1000, loss: losses / stretchSteps, outsideShare }),
  );
  awaitTurn();
};

console.log(JSON.stringify({ description: `Deno ${Deno.version.deno}, ${kind}` }));
awaitTurn();
const { preset, batch, microBatch, steps, checkpointEvery, sampleEvery } = recipe;
const options = { preset, batch, microBatch, steps, checkpointEvery, sampleEvery };
await train(
  trainOptions.parse({ ...options, data, engine, xla: kind === "xla" ? "on" : "off", out: `${path}.${kind}.run` }),
  {
    signal: new AbortController().signal,
    report,
  },
);
