import { compilePlan } from "../core/mod.ts";
import { diffusionOf } from "../model/pipeline.ts";
import type { SchedulerConfig } from "../model/scheduler_config.ts";
import { ScheduleError } from "./errors.ts";
import type { ResolvedSampling } from "./resolve.ts";
import type { SamplingTask } from "./task.ts";

export { ScheduleError } from "./errors.ts";

/** diffusers' "_log" variants differ from these in how they are computed, not in value. */
const VARIANCES = {
  fixed_small: "fixed_small",
  fixed_small_log: "fixed_small",
  fixed_large: "fixed_large",
  fixed_large_log: "fixed_large",
  learned: "learned",
  learned_range: "learned_range",
} as const;

/**
 * Compiles a request to a task, with the model's scheduler config for what the request leaves open. The config's spacing
 * is that of ancestral sampling, so it holds for "ddpm" and "ddim" alone.
 *
 * @throws {ScheduleError} if the schedule does not allow the sampler, its steps or their spacing
 */
export const compileTask = (sampling: ResolvedSampling, config: SchedulerConfig): SamplingTask => {
  const { n, seed, labels, guidance, sampler, steps, eta, spacing, variance } = sampling;
  const ancestral = sampler === "ddpm" || sampler === "ddim";
  try {
    const plan = compilePlan({
      diffusion: diffusionOf(config),
      sampler,
      steps,
      spacing: spacing ?? (ancestral ? config.timestep_spacing : undefined),
      offset: config.steps_offset,
      eta,
      prediction: config.prediction_type,
      variance: variance ?? VARIANCES[config.variance_type],
      clip: config.clip_sample ? config.clip_sample_range : Infinity,
    });
    return { plan, n, seed, labels, guidance };
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new ScheduleError(`this model's noise schedule does not allow the request: ${cause.message}`, { cause });
  }
};
