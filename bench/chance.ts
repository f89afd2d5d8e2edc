import { uniform } from "../core/noise.ts";

/** Random choices, the same for the same seed. */
export interface Chance {
  /** In (0, 1). */
  number(): number;
  /** One of min … max. */
  integer(min: number, max: number): number;
  pick<T>(choices: readonly T[]): T;
  /** Exponentially distributed, with this mean. */
  wait(mean: number): number;
}

const DOMAIN = 17;

/** Starts a sequence of choices. */
export const createChance = (seed: number): Chance => {
  let draws = 0;
  const number = () => uniform(seed, 0, 0, draws++, DOMAIN);
  const integer = (min: number, max: number) => min + Math.floor(number() * (max - min + 1));
  return {
    number,
    integer,
    pick: (choices) => choices[integer(0, choices.length - 1)],
    wait: (mean) => -mean * Math.log(number()),
  };
};
