import type * as tf from "@tensorflow/tfjs-core";
import type { CompiledFunction } from "./compile.ts";

const ROUNDS = 3;

/** Milliseconds of a run, until its outputs can be read: devices answer before they are done. */
const timeOf = ({ run }: CompiledFunction, inputs: readonly tf.Tensor[]): number => {
  const started = performance.now();
  const outputs = run(inputs);
  const [smallest] = outputs.toSorted((a, b) => a.size - b.size);
  smallest?.dataSync();
  const milliseconds = performance.now() - started;
  for (const output of outputs) output.dispose();
  return milliseconds;
};

/**
 * Runs two forms of a function in turns, and keeps the one whose fastest run is shorter; the other is freed. The first
 * run of each, which may compile, is not counted.
 *
 * @param usual is kept if they are equal, or if the other cannot be made or run
 * @param make makes the other
 */
export const keepFaster = (
  usual: CompiledFunction,
  make: () => CompiledFunction,
  inputs: readonly tf.Tensor[],
): CompiledFunction => {
  let other: CompiledFunction | undefined;
  const best = [Infinity, Infinity];
  try {
    other = make();
    for (let round = 0; round <= ROUNDS; round++) {
      for (const [i, candidate] of [usual, other].entries()) {
        const milliseconds = timeOf(candidate, inputs);
        if (round > 0) best[i] = Math.min(best[i], milliseconds);
      }
    }
  } catch {
    best[1] = Infinity;
  }
  const isFaster = other !== undefined && best[1] < best[0];
  if (isFaster) usual.free();
  else other?.free();
  return isFaster ? other! : usual;
};
