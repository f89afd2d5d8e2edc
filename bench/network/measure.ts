import { median } from "../median.ts";
import type { Contender, Operation } from "./contender.ts";

/** A turn: this many calls in a row, or as many as fit into its seconds. */
const TURN_CALLS = 5;
const TURN_SECONDS = 2;

/** An operation of a contender is timed at most this long, the rounds notwithstanding. */
const BUDGET_SECONDS = 60;

/** What one contender took for one operation. */
export interface Result extends Operation {
  readonly contender: string;
  readonly description: string;
  readonly seconds: readonly number[];
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

/** An operation, in words. */
export const label = ({ operation, rows }: Operation): string =>
  operation === "step" ? `step, ${rows} ${rows === 1 ? "row" : "rows"}` : `training step, ${rows} images`;

/**
 * One contender's turn. A server's steps follow each other, so the first call, behind a pause that let its memory leave
 * the caches, is dropped; one that takes a turn's time by itself warms itself, and counts.
 */
const turn = async (contender: Contender, operation: Operation): Promise<number[]> => {
  const first = await contender.time(operation);
  if (first.seconds >= TURN_SECONDS) return [first.seconds];
  const seconds: number[] = [];
  while (seconds.length < TURN_CALLS && sum(seconds) < TURN_SECONDS) {
    seconds.push((await contender.time(operation)).seconds);
  }
  return seconds;
};

/**
 * Times operations: all contenders take their turn in each round, so that all meet the same machine. One that fails an
 * operation is left out of it and of those behind, and why is told.
 *
 * @param contenders those that fail are closed and taken out
 */
export const measure = async (
  contenders: Set<Contender>,
  operations: readonly Operation[],
  rounds: number,
): Promise<Result[]> => {
  const results: Result[] = [];
  for (const operation of operations) {
    const seconds = new Map<Contender, number[]>(Array.from(contenders, (contender) => [contender, []]));
    const attempt = async (contender: Contender, work: () => Promise<unknown>) => {
      try {
        await work();
      } catch (error) {
        console.error(`left out of ${label(operation)}: ${(error as Error).message}`);
        contenders.delete(contender);
        await contender.close();
      }
    };
    // The first call of a shape compiles.
    for (const contender of contenders) await attempt(contender, () => contender.time(operation));
    for (let round = 0; round < rounds; round++) {
      for (const contender of contenders) {
        const own = seconds.get(contender)!;
        if (sum(own) > BUDGET_SECONDS) continue;
        // Threads of the one before may still spin.
        await new Promise((resume) => setTimeout(resume, 250));
        await attempt(contender, async () => void own.push(...await turn(contender, operation)));
      }
    }
    for (const contender of contenders) {
      const { name, description } = contender, own = seconds.get(contender)!;
      results.push({ contender: name, description, ...operation, seconds: own });
      console.error(`${label(operation)}: ${name} ${(1000 * median(own)).toFixed(0)} ms`);
    }
  }
  return results;
};
