import { checkInteger, checkOneOf } from "./check.ts";
import type { Diffusion } from "./diffusion.ts";

/**
 * The variances σ_t² that p_θ(x_{t−1} | x_t) can have:
 *
 * - `fixed_small`: β̃_t, and `fixed_large`: β_t (Ho et al. 2020, section 3.2)
 * - `learned`: the network outputs log σ_t² itself (diffusers' `learned` reads σ_t² there)
 * - `learned_range`: the network outputs v in [−1, 1], 2v' − 1 of the v' in Nichol & Dhariwal 2021, eq. 15:
 *   log σ_t² = v' log β_t + (1 − v') log β̃_t
 */
export const VARIANCES = ["fixed_small", "fixed_large", "learned", "learned_range"] as const;

/** The name of a variance, as in diffusers. */
export type Variance = typeof VARIANCES[number];

/** Whether the network outputs twice the image's channels, the second half being the variance. */
export const isLearned = (variance: Variance): boolean => variance === "learned" || variance === "learned_range";

/**
 * log σ_t² of the fixed variances. At t = 0, where β̃ is 0, `fixed_small` takes β̃ of the next step, and so does
 * `fixed_large`, which makes for a better L_0 (as in Ho et al.'s code).
 *
 * @param t 0 … T − 1
 * @throws {RangeError} if t is out of range, or the variance is not a fixed one
 */
export const fixedLogVariance = (diffusion: Diffusion, variance: Variance, t: number): number => {
  checkInteger("t", t, 0, diffusion.timesteps - 1);
  checkOneOf("variance", variance, ["fixed_small", "fixed_large"]);
  if (variance === "fixed_large" && t > 0) return Math.log(diffusion.betas[t]);
  return diffusion.posteriorLogVarianceClipped[t];
};
