import { z } from "zod";
import {
  betaSchedule,
  createDiffusion,
  type Diffusion,
  type Prediction,
  rescaleZeroTerminalSnr,
  type ScheduleName,
} from "../core/mod.ts";
import { parseConfig } from "./config_json.ts";
import { ModelError } from "./error.ts";

/** Solvers of the probability flow spread their steps over both ends, and none of them clips. */
const SOLVER_DEFAULTS = { clip_sample: false, timestep_spacing: "linspace" };

/**
 * The schedulers whose configurations mean the same process under the same keys, with what they mean by a key left out
 * where DDPMScheduler means something else. What only steers their own steps (the order of a solver, Karras' σ) is not
 * kept. Those that draw over σ (Euler, Heun, LMS, KDPM2) are not read: their timesteps are no integers, and some have
 * betas of their own for a key left out.
 */
const CLASS_DEFAULTS = {
  DDPMScheduler: {},
  DDIMScheduler: {},
  DDPMParallelScheduler: {},
  DDIMParallelScheduler: {},
  PNDMScheduler: { clip_sample: false },
  DPMSolverMultistepScheduler: SOLVER_DEFAULTS,
  DPMSolverSinglestepScheduler: SOLVER_DEFAULTS,
  DEISMultistepScheduler: SOLVER_DEFAULTS,
  UniPCMultistepScheduler: SOLVER_DEFAULTS,
} satisfies Record<string, Partial<Record<keyof SchedulerConfig, unknown>>>;

/** The classes of diffusers' schedulers whose configurations are read. */
export const SCHEDULER_CLASSES = Object.keys(CLASS_DEFAULTS) as readonly (keyof typeof CLASS_DEFAULTS)[];

/** Keys that are checked and not kept. */
const checked = z.object({
  _class_name: z.enum(SCHEDULER_CLASSES).optional(),
  thresholding: z.literal(false, "Invalid input: expected false (there is no dynamic thresholding here)").optional(),
  /** diffusers' `prediction_type` before its version 0.9: `false` for "sample". */
  predict_epsilon: z.boolean().nullable().optional(),
  use_flow_sigmas: z.literal(false, "Invalid input: expected false (there is no flow matching here)").optional(),
});

const schema = z.object({
  num_train_timesteps: z.int().min(1).default(1000),
  beta_start: z.number().gt(0).lt(1).default(1e-4),
  beta_end: z.number().gt(0).lt(1).default(0.02),
  beta_schedule: z.enum(["linear", "scaled_linear", "squaredcos_cap_v2", "sigmoid"]).default("linear"),
  trained_betas: z.array(z.number().gt(0).max(1)).min(1).nullable().default(null),
  variance_type: z.enum([
    "fixed_small",
    "fixed_small_log",
    "fixed_large",
    "fixed_large_log",
    "learned",
    "learned_range",
  ])
    .default("fixed_small"),
  clip_sample: z.boolean().default(true),
  clip_sample_range: z.number().positive().default(1),
  prediction_type: z.enum(["epsilon", "sample", "v_prediction"]).default("epsilon"),
  timestep_spacing: z.enum(["leading", "linspace", "trailing"]).default("leading"),
  steps_offset: z.int().min(0).default(0),
  rescale_betas_zero_snr: z.boolean().default(false),
});

/** Configuration of the diffusion process under the keys of diffusers' `DDPMScheduler`. */
export type SchedulerConfig = z.infer<typeof schema>;

/**
 * Checks the configuration of one of {@linkcode SCHEDULER_CLASSES} and fills in that class's defaults: the process that
 * it describes. The class does not choose the sampler, any of which runs on any process here.
 *
 * @param json the parsed content of a `scheduler/scheduler_config.json`
 * @throws {ModelError} that names the key, what was received and what is allowed
 */
export const parseSchedulerConfig = (json: unknown): SchedulerConfig => {
  const { predict_epsilon, _class_name = "DDPMScheduler" } = parseConfig(checked, json, "scheduler config");
  const older = predict_epsilon === false ? { prediction_type: "sample" } : {};
  const { variance_type, ...given } = json as Partial<SchedulerConfig>;
  // A solver's null: the network says nothing of the variance.
  const variance = variance_type === null ? {} : { variance_type };
  const config = parseConfig(
    schema,
    { ...CLASS_DEFAULTS[_class_name], ...older, ...given, ...variance },
    "scheduler config",
  );
  const { trained_betas: trained, num_train_timesteps: timesteps } = config;
  const refuse = (message: string): never => {
    throw new ModelError(`Cannot use this scheduler config: ${message}`);
  };
  if (trained && trained.length !== timesteps) {
    refuse(`trained_betas must have num_train_timesteps ${timesteps} entries, received ${trained.length}`);
  }
  if (trained?.slice(0, -1).includes(1)) refuse("trained_betas must be below 1 before the last, received 1");
  if (config.rescale_betas_zero_snr && timesteps < 2) {
    refuse(`num_train_timesteps must be at least 2 with rescale_betas_zero_snr, received ${timesteps}`);
  }
  return config;
};

/** diffusers' names for the schedules that this project names as the papers do. */
export const SCHEDULE_NAMES = {
  linear: "linear",
  scaled_linear: "quadratic",
  squaredcos_cap_v2: "cosine",
  sigmoid: "sigmoid",
} as const;

/** Computes the tables of the diffusion process that a scheduler's configuration describes. */
export const diffusionOf = (config: SchedulerConfig): Diffusion => {
  const { trained_betas: trained, beta_start: betaStart, beta_end: betaEnd } = config;
  const betas = trained
    ? Float64Array.from(trained)
    : betaSchedule(SCHEDULE_NAMES[config.beta_schedule], config.num_train_timesteps, { betaStart, betaEnd });
  return createDiffusion(config.rescale_betas_zero_snr ? rescaleZeroTerminalSnr(betas) : betas);
};

/**
 * The configuration to save with a model: diffusers' name of the schedule where it has one, else the betas themselves.
 *
 * Its variance is the fixed small one, and x_0 is clipped to [−1, 1].
 */
export const schedulerConfigOf = (
  { schedule, timesteps, prediction }: { schedule: ScheduleName; timesteps: number; prediction: Prediction },
): SchedulerConfig => {
  const known = Object.entries(SCHEDULE_NAMES).find(([, name]) => name === schedule)?.[0];
  return parseSchedulerConfig({
    num_train_timesteps: timesteps,
    prediction_type: prediction,
    ...(known ? { beta_schedule: known } : { trained_betas: [...betaSchedule(schedule, timesteps)] }),
  });
};
