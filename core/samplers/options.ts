import type { Diffusion } from "../diffusion.ts";
import type { Plan } from "../plan.ts";
import { checkTimesteps, selectTimesteps, type Spacing } from "../timesteps.ts";

/** Which timesteps a plan asks for: `steps` of them by `spacing`, or a list. */
export interface TimestepOptions {
  /** The number of steps, in [1, T]. @default T, or the length of `timesteps` */
  steps?: number;
  /** An explicit list, strictly descending, in the place of `spacing`. */
  timesteps?: ArrayLike<number>;
  /** How the timesteps are spread. @default diffusers' own for the sampler */
  spacing?: Spacing;
  /** Added to "leading" timesteps (diffusers' `steps_offset`). @default 0 */
  offset?: number;
}

/** Resolves the timesteps of a plan, descending. */
export const timestepsOf = (
  diffusion: Diffusion,
  { steps, timesteps, spacing, offset }: TimestepOptions,
  dropLowest: boolean,
): Int32Array => {
  const T = diffusion.timesteps;
  if (timesteps === undefined) return selectTimesteps(T, steps ?? T, { spacing, offset, dropLowest });
  const list = checkTimesteps(timesteps, T);
  if (steps !== undefined && steps !== list.length) {
    throw new RangeError(
      `steps must be ${list.length}, the number of timesteps listed, or be left out, received ${steps}`,
    );
  }
  return list;
};

/** Checks that every scalar of a plan is finite; β so small that 1 − ᾱ rounds to 0 gives one that is not. */
export const checkPlan = (plan: Plan): Plan => {
  for (const { timestep, p, q, a, b, h, c } of plan.rows) {
    if (![p, q, a, b, h, c].every(Number.isFinite)) {
      throw new RangeError(
        `betas must be large enough for 1 − ᾱ to differ from 0, received a schedule where timestep ${timestep} has none`,
      );
    }
  }
  return plan;
};
