import { UsageError } from "../usage_error.ts";

/**
 * The timesteps that a figure shows, as the paper counts them: those asked for, or eleven from 0 to T.
 *
 * @throws {UsageError} if one lies outside [0, T]
 */
export const timesOr = (asked: readonly number[], T: number): readonly number[] => {
  const beyond = asked.find((t) => t > T);
  if (beyond !== undefined) throw new UsageError(`--t must be in [0, ${T}] for this model, received ${beyond}`);
  if (asked.length > 0) return asked;
  return [...new Set(Array.from({ length: 11 }, (_, i) => Math.round(i * T / 10)))];
};
