import { type Diffusion, type Prediction, respace, sectionTimesteps, type Variance } from "../../core/mod.ts";
import { diffusionOf } from "../../model/pipeline.ts";
import type { SchedulerConfig } from "../../model/scheduler_config.ts";
import { EvaluationError } from "../error.ts";

/** The process whose bound is taken, and how the network's output is read. */
export interface Process {
  /** The tables, of the timesteps that are kept. */
  readonly diffusion: Diffusion;
  /** What the network is asked for at each step: ascending. */
  readonly timesteps: Int32Array;
  readonly prediction: Prediction;
  readonly variance: Variance;
  /** x_0 is clamped to [−clip, clip]. */
  readonly clip: number;
}

const select = (T: number, respacing: string | undefined): Int32Array => {
  if (respacing === undefined) return Int32Array.from({ length: T }, (_, t) => t);
  try {
    return sectionTimesteps(T, respacing).reverse();
  } catch (cause) {
    const { message } = cause as Error;
    throw new EvaluationError(
      `respacing must be numbers of the model's ${T} timesteps, as 50, 10,15,20 or ddim50, received ` +
        `${JSON.stringify(respacing)}: ${message}`,
      { cause },
    );
  }
};

/**
 * The process that a model samples by: its variance and its clipping with it.
 *
 * @param options.respacing timesteps to keep, as `sectionTimesteps` reads it; all if left out
 * @param options.variance in place of the model's
 * @throws {EvaluationError} if `respacing` cannot be read, or asks for more timesteps than there are
 */
export const processOf = (
  scheduler: SchedulerConfig,
  { respacing, variance }: { respacing?: string; variance?: Variance } = {},
): Process => {
  const whole = diffusionOf(scheduler);
  const timesteps = select(whole.timesteps, respacing);
  const diffusion = respace(whole, timesteps.toReversed());
  if (scheduler.prediction_type === "epsilon" && diffusion.alphasCumprod.at(-1) === 0) {
    throw new EvaluationError(
      "model must predict x_0 or v, since its last timestep holds no signal, received one that predicts epsilon",
    );
  }
  return {
    diffusion,
    timesteps,
    prediction: scheduler.prediction_type,
    // diffusers' names with _log are the same variances.
    variance: variance ?? scheduler.variance_type.replace(/_log$/, "") as Variance,
    clip: scheduler.clip_sample ? scheduler.clip_sample_range : Infinity,
  };
};
