/** Samplers as data: each compiles a schedule and its options to a plan, and one loop runs them all. */

import { checkNumber, checkOneOf } from "../check.ts";
import type { Diffusion } from "../diffusion.ts";
import type { Plan, SamplerName } from "../plan.ts";
import { type Prediction, PREDICTIONS } from "../prediction.ts";
import { type Variance, VARIANCES } from "../variance.ts";
import { compileDdim } from "./ddim.ts";
import { compileDdpm } from "./ddpm.ts";
import { compileDpmSolver } from "./dpm_solver.ts";
import { compileHeun } from "./heun.ts";
import { checkPlan, type TimestepOptions, timestepsOf } from "./options.ts";

export { compileInversion, type InversionOptions } from "./ddim_inversion.ts";
export type { TimestepOptions } from "./options.ts";
export type { SamplerName } from "../plan.ts";

/** The samplers that `compilePlan` knows. */
export const SAMPLERS = ["ddpm", "ddim", "heun", "dpmsolver++"] as const satisfies readonly SamplerName[];

/** What `compilePlan` reads. */
export interface PlanOptions extends TimestepOptions {
  diffusion: Diffusion;
  /** @default "ddpm" */
  sampler?: SamplerName;
  /** The share of DDPM's noise, in [0, 1]; read by "ddim" alone. @default 0 */
  eta?: number;
  /** What the network predicts. @default "epsilon" */
  prediction?: Prediction;
  /** The variance of the reverse process; read by "ddpm" alone. @default "fixed_small" */
  variance?: Variance;
  /** The bound of |x0|, in (0, Infinity]; Infinity for none. @default 1 */
  clip?: number;
}

/**
 * Compiles a sampler to its plan.
 *
 * The spacing's default is that of diffusers' scheduler: "leading" for "ddpm" and "ddim", "linspace" for "heun" and
 * "dpmsolver++". To start from an x_t of lower noise, give the timesteps from t downwards as `timesteps`.
 *
 * @throws {TypeError} if an option is of the wrong kind
 * @throws {RangeError} if an option is out of range, or the plan asks a network that predicts ε for ᾱ = 0
 */
export const compilePlan = (options: PlanOptions): Plan => {
  const { diffusion, sampler = "ddpm", eta = 0, prediction = "epsilon", variance = "fixed_small", clip = 1 } = options;
  checkOneOf("sampler", sampler, SAMPLERS);
  checkOneOf("prediction", prediction, PREDICTIONS);
  checkOneOf("variance", variance, VARIANCES);
  checkNumber("eta", eta, 0, 1);
  if (clip !== Infinity) checkNumber("clip", clip, 0, Infinity, { min: true });
  const spacing = options.spacing ?? (sampler === "ddpm" || sampler === "ddim" ? "leading" : "linspace");
  const timesteps = timestepsOf(diffusion, { ...options, spacing }, sampler === "dpmsolver++");
  const compiled = () => {
    switch (sampler) {
      case "ddpm":
        return compileDdpm({ diffusion, timesteps, prediction, variance, clip });
      case "ddim":
        return compileDdim({ diffusion, timesteps, prediction, eta, clip });
      case "heun":
        return compileHeun({ diffusion, timesteps, prediction, clip });
      case "dpmsolver++":
        return compileDpmSolver({ diffusion, timesteps, prediction, clip });
    }
  };
  return checkPlan(compiled());
};
