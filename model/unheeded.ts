import { quoteValue } from "./error.ts";
import type { SCHEDULER_CLASSES, SchedulerConfig } from "./scheduler_config.ts";

type SchedulerClass = typeof SCHEDULER_CLASSES[number];

const DDIM: readonly SchedulerClass[] = ["DDIMScheduler", "DDIMParallelScheduler"];
const ANCESTRAL: readonly SchedulerClass[] = ["DDPMScheduler", "DDPMParallelScheduler", ...DDIM, "PNDMScheduler"];
const DPM_SOLVERS: readonly SchedulerClass[] = ["DPMSolverMultistepScheduler", "DPMSolverSinglestepScheduler"];
const SOLVERS: readonly SchedulerClass[] = [...DPM_SOLVERS, "DEISMultistepScheduler", "UniPCMultistepScheduler"];

/** A setting of diffusers' schedulers that changes nothing here. */
interface FixedSetting {
  readonly key: string;
  /** The classes of a configuration in which it means something. */
  readonly of: readonly SchedulerClass[];
  /** What it may be without a word: what is done here, and what diffusers takes for it where it is left out. */
  readonly silent: readonly unknown[];
  /** What is done instead. */
  readonly instead: string;
  /** Whether it would change something. @default always */
  readonly matters?: (config: SchedulerConfig) => boolean;
}

const SPACING = "heun and dpmsolver++ spread their steps by linspace, unless a request says otherwise";
const SIGMAS = "the steps are at the timesteps' own σ";
const NO_SUCH_SAMPLER = "it steers a sampler that is not here";

/**
 * What the classes of diffusers 0.42.1 take and this project does in one way. Left out are keys that a value read here
 * makes meaningless: of dynamic thresholding and flow matching, which are refused, and `euler_at_final`, since the last
 * step leads to σ = 0.
 */
const FIXED: readonly FixedSetting[] = [
  { key: "set_alpha_to_one", of: DDIM, silent: [true], instead: "the last step leads to ᾱ = 1" },
  {
    // No class's own key but an argument of DDIM's step, which pipelines hand on.
    key: "use_clipped_model_output",
    of: DDIM,
    silent: [true],
    instead: "ddim points to x_t from the clipped x_0",
    matters: ({ clip_sample }) => clip_sample,
  },
  {
    // These classes never clip; it was another's whose configuration became theirs.
    key: "clip_sample",
    of: ["PNDMScheduler", ...SOLVERS],
    silent: [false],
    instead: "x_0 is clipped in every step, which this class does not do in diffusers",
  },
  { key: "timestep_spacing", of: ANCESTRAL, silent: ["leading", "linspace"], instead: SPACING },
  { key: "timestep_spacing", of: SOLVERS, silent: ["linspace"], instead: SPACING },
  { key: "use_karras_sigmas", of: SOLVERS, silent: [false], instead: SIGMAS },
  { key: "use_exponential_sigmas", of: SOLVERS, silent: [false], instead: SIGMAS },
  { key: "use_beta_sigmas", of: SOLVERS, silent: [false], instead: SIGMAS },
  { key: "use_lu_lambdas", of: ["DPMSolverMultistepScheduler"], silent: [false], instead: SIGMAS },
  {
    key: "final_sigmas_type",
    of: [...DPM_SOLVERS, "UniPCMultistepScheduler"],
    silent: ["zero"],
    instead: "the last step leads to σ = 0",
  },
  { key: "lambda_min_clipped", of: DPM_SOLVERS, silent: [], instead: "the steps begin at the highest noise" },
  {
    key: "algorithm_type",
    of: DPM_SOLVERS,
    // diffusers takes "deis", another class's, for "dpmsolver++".
    silent: ["dpmsolver++", "deis"],
    instead: "dpmsolver++ is the deterministic one in x_0",
  },
  { key: "solver_order", of: SOLVERS, silent: [2], instead: "dpmsolver++ is of order 2" },
  {
    key: "solver_type",
    of: DPM_SOLVERS,
    // diffusers takes other classes' types for its own.
    silent: ["midpoint", "logrho", "bh1", "bh2"],
    instead: "dpmsolver++ takes the midpoint",
  },
  {
    key: "solver_type",
    of: ["UniPCMultistepScheduler"],
    silent: ["bh2", "midpoint", "heun", "logrho"],
    instead: NO_SUCH_SAMPLER,
  },
  { key: "lower_order_final", of: ["DPMSolverSinglestepScheduler"], silent: [false], instead: NO_SUCH_SAMPLER },
  {
    key: "lower_order_final",
    of: ["DEISMultistepScheduler", "UniPCMultistepScheduler"],
    silent: [true],
    instead: NO_SUCH_SAMPLER,
  },
  { key: "predict_x0", of: ["UniPCMultistepScheduler"], silent: [true], instead: NO_SUCH_SAMPLER },
  { key: "disable_corrector", of: ["UniPCMultistepScheduler"], silent: [[]], instead: NO_SUCH_SAMPLER },
  { key: "solver_p", of: ["UniPCMultistepScheduler"], silent: [], instead: NO_SUCH_SAMPLER },
  { key: "skip_prk_steps", of: ["PNDMScheduler"], silent: [false], instead: NO_SUCH_SAMPLER },
];

/**
 * What a scheduler's configuration asks for and is not done here, each as its key, its value and what is done instead:
 * `set_alpha_to_one false (the last step leads to ᾱ = 1)`. A key whose value is null, or diffusers' default, or that its
 * class does not read, asks for nothing.
 *
 * @param json what `parseSchedulerConfig` accepted
 * @param config what it made of it
 */
export const unheededSettings = (json: unknown, config: SchedulerConfig): string[] => {
  const given = json as Readonly<Record<string, unknown>>;
  const name = (given._class_name ?? "DDPMScheduler") as SchedulerClass;
  const isAsked = ({ key, of, silent, matters = () => true }: FixedSetting) => {
    const value = given[key] ?? null;
    const text = JSON.stringify(value);
    return value !== null && of.includes(name) && silent.every((other) => JSON.stringify(other) !== text) &&
      matters(config);
  };
  return FIXED.filter(isAsked).map(({ key, instead }) => `${key} ${quoteValue(given[key])} (${instead})`);
};
