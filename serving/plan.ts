import { compileInversion, compilePlan, type Diffusion, type Plan, selectTimesteps } from "../core/mod.ts";
import type { SchedulerConfig } from "../model/scheduler_config.ts";
import { ScheduleError } from "./errors.ts";
import type { ResolvedSampling } from "./resolve.ts";

/** A model's noise schedule: its config, and the tables of it. */
export interface Schedule {
  readonly scheduler: SchedulerConfig;
  readonly diffusion: Diffusion;
}

/** diffusers' "_log" variants differ from these in how they are computed, not in value. */
const VARIANCES = {
  fixed_small: "fixed_small",
  fixed_small_log: "fixed_small",
  fixed_large: "fixed_large",
  fixed_large_log: "fixed_large",
  learned: "learned",
  learned_range: "learned_range",
} as const;

/** Turns what `core` refuses into what the schedule does not allow. */
const allowed = <T>(compile: () => T): T => {
  try {
    return compile();
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new ScheduleError(`this model's noise schedule does not allow the request: ${cause.message}`, { cause });
  }
};

/** The config's spacing is that of ancestral sampling, so it holds for "ddpm" and "ddim" alone. */
const spacingOf = ({ sampler, spacing }: ResolvedSampling, { timestep_spacing }: SchedulerConfig) =>
  spacing ?? (sampler === "ddpm" || sampler === "ddim" ? timestep_spacing : "linspace");

/** From `from` downwards: that timestep itself, then those below it of the steps that a full run would take. */
const timestepsFrom = (from: number, sampling: ResolvedSampling, { scheduler, diffusion }: Schedule): number[] => {
  const selected = selectTimesteps(diffusion.timesteps, sampling.steps, {
    spacing: spacingOf(sampling, scheduler),
    offset: scheduler.steps_offset,
    dropLowest: sampling.sampler === "dpmsolver++",
  });
  return [from, ...selected.filter((t) => t < from)];
};

/**
 * Compiles the sampler of a request, with the model's scheduler config for what the request leaves open.
 *
 * @param options.from the timestep to start at; the steps above it are left out. Default: the top
 * @param options.clip whether x_0 is clipped where the model's config says so
 * @throws {ScheduleError} if the schedule does not allow the sampler, its steps or their spacing
 */
export const planOf = (
  sampling: ResolvedSampling,
  schedule: Schedule,
  { from, clip = true }: { from?: number; clip?: boolean } = {},
): Plan => {
  const { scheduler, diffusion } = schedule;
  const { sampler, steps, eta, variance } = sampling;
  return allowed(() =>
    compilePlan({
      diffusion,
      sampler,
      ...(from === undefined
        ? { steps, spacing: spacingOf(sampling, scheduler), offset: scheduler.steps_offset }
        : { timesteps: timestepsFrom(from, sampling, schedule) }),
      eta,
      prediction: scheduler.prediction_type,
      variance: variance ?? VARIANCES[scheduler.variance_type],
      clip: clip && scheduler.clip_sample ? scheduler.clip_sample_range : Infinity,
    })
  );
};

/**
 * Compiles the DDIM inversion that `planOf` of the same request undoes.
 *
 * @throws {ScheduleError} if the schedule does not allow the steps or their spacing
 */
export const inversionOf = (sampling: ResolvedSampling, { scheduler, diffusion }: Schedule): Plan =>
  allowed(() =>
    compileInversion({
      diffusion,
      steps: sampling.steps,
      spacing: spacingOf(sampling, scheduler),
      offset: scheduler.steps_offset,
      prediction: scheduler.prediction_type,
    })
  );
