import { checkBetas } from "./check.ts";

/**
 * The tables of one noise schedule, all in float64 and of length T.
 *
 * Index t runs over 0 … T − 1, as the network sees it; the paper counts from 1, so its β_t is `betas[t − 1]`.
 */
export interface Diffusion {
  /** T, the number of diffusion steps. */
  readonly timesteps: number;
  /** β_t, the variances of the forward process (eq. 2). */
  readonly betas: Float64Array;
  /** α_t = 1 − β_t (section 2). */
  readonly alphas: Float64Array;
  /** ᾱ_t = Π α_s (eq. 4). */
  readonly alphasCumprod: Float64Array;
  /** ᾱ_{t−1}, with ᾱ_0 = 1 before the first step. */
  readonly alphasCumprodPrev: Float64Array;
  /** √ᾱ_t (eq. 4). */
  readonly sqrtAlphasCumprod: Float64Array;
  /** √(1 − ᾱ_t) (eq. 4). */
  readonly sqrtOneMinusAlphasCumprod: Float64Array;
  /** β̃_t = (1 − ᾱ_{t−1}) / (1 − ᾱ_t) · β_t, the variance of the posterior q(x_{t−1} | x_t, x_0) (eq. 7). */
  readonly posteriorVariance: Float64Array;
  /** log β̃_t, its first entry (log 0) replaced by the second, or by log β_1 where T is 1. */
  readonly posteriorLogVarianceClipped: Float64Array;
  /** The factor of x_0 in the posterior mean μ̃_t (eq. 7). */
  readonly posteriorMeanCoef1: Float64Array;
  /** The factor of x_t in the posterior mean μ̃_t (eq. 7). */
  readonly posteriorMeanCoef2: Float64Array;
  /** ᾱ_t / (1 − ᾱ_t), the signal-to-noise ratio of x_t. */
  readonly snr: Float64Array;
}

/**
 * Computes every table that the forward and the reverse process need from the variances β_t.
 *
 * @param betas β_1 … β_T, each in (0, 1]; 1 is allowed for the last alone (a schedule whose terminal SNR is zero)
 * @throws {RangeError} if `betas` is empty or one lies outside (0, 1)
 */
export const createDiffusion = (betas: ArrayLike<number>): Diffusion => {
  const T = betas.length;
  checkBetas(betas);

  const table = (entry: (t: number) => number) => Float64Array.from({ length: T }, (_, t) => entry(t));
  const alphas = table((t) => 1 - betas[t]);
  let product = 1;
  const alphasCumprod = table((t) => product *= alphas[t]);
  const alphasCumprodPrev = table((t) => t === 0 ? 1 : alphasCumprod[t - 1]);
  const posteriorVariance = table((t) => (1 - alphasCumprodPrev[t]) / (1 - alphasCumprod[t]) * betas[t]);

  return {
    timesteps: T,
    betas: Float64Array.from(betas),
    alphas,
    alphasCumprod,
    alphasCumprodPrev,
    sqrtAlphasCumprod: table((t) => Math.sqrt(alphasCumprod[t])),
    sqrtOneMinusAlphasCumprod: table((t) => Math.sqrt(1 - alphasCumprod[t])),
    posteriorVariance,
    posteriorLogVarianceClipped: table((t) => Math.log(T === 1 ? betas[0] : posteriorVariance[Math.max(t, 1)])),
    posteriorMeanCoef1: table((t) => Math.sqrt(alphasCumprodPrev[t]) * betas[t] / (1 - alphasCumprod[t])),
    posteriorMeanCoef2: table((t) => Math.sqrt(alphas[t]) * (1 - alphasCumprodPrev[t]) / (1 - alphasCumprod[t])),
    snr: table((t) => alphasCumprod[t] / (1 - alphasCumprod[t])),
  };
};
