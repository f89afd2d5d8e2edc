import type { EvaluatedProcess } from "./bound.ts";
import {
  type PartialResult,
  standardError,
  STEP_QUANTITIES,
  type StepQuantity,
  stepQuantityIndex,
  type SumQuantity,
  sumQuantityIndex,
} from "./partial_result.ts";

/** A mean over images with its standard error; `null` where there is one image. */
export interface Estimate {
  readonly mean: number;
  readonly standardError: number | null;
}

/** What was found at one step. */
export interface StepFindings extends Readonly<Record<StepQuantity, Estimate>> {
  /** The network's timestep, from 0. */
  readonly t: number;
  /** Root mean squared error of the predicted x_0, on the scale 0 … 255. */
  readonly distortion: Estimate;
}

/** What was found of a model: the parts of the bound in bits per dimension, and the steps, t ascending. */
export interface Findings extends Readonly<Record<SumQuantity, Estimate>> {
  readonly images: number;
  readonly steps: readonly StepFindings[];
}

/** From the mean squared error in [−1, 1]; its standard error to first order. */
const distortionOf = ({ mean, standardError }: Estimate): Estimate => {
  const root = Math.sqrt(mean);
  return { mean: 127.5 * root, standardError: standardError && 127.5 * standardError / (2 * root) };
};

/** Reads off what was found. */
export const findingsOf = (
  { moments }: PartialResult,
  { timesteps }: Pick<EvaluatedProcess, "timesteps">,
): Findings => {
  const steps = timesteps.length;
  const estimate = (i: number): Estimate => ({ mean: moments.means[i], standardError: standardError(moments, i) });
  const sum = (name: SumQuantity) => estimate(sumQuantityIndex(steps, name));
  return {
    images: moments.count,
    total: sum("total"),
    prior: sum("prior"),
    middle: sum("middle"),
    decoder: sum("decoder"),
    steps: Array.from(timesteps, (t, step) => {
      const found = Object.fromEntries(
        STEP_QUANTITIES.map((name) => [name, estimate(stepQuantityIndex(steps, name, step))]),
      ) as Record<
        StepQuantity,
        Estimate
      >;
      return { t, ...found, distortion: distortionOf(found.xStartMse) };
    }),
  };
};
