import { ParameterError } from "../../sampling/errors.ts";
import type { ModelInfo } from "../../sampling/loaded_model.ts";

/**
 * A timestep that the model has: the one that was asked for, or else half the schedule, T/2 − 1, from which T/2 steps lead
 * to the image (the paper's t = 500 of 1000).
 *
 * @throws {ParameterError} if the model has no such timestep
 */
export const checkTimestep = (t: number | undefined, { timesteps }: ModelInfo): number => {
  const chosen = t ?? Math.max(0, Math.floor(timesteps / 2) - 1);
  if (chosen < timesteps) return chosen;
  throw new ParameterError([{
    field: "t",
    received: chosen,
    allowed: `in [0, ${timesteps - 1}] (T − 1 of this model)`,
  }]);
};
