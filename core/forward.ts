import { checkInteger, checkSameLength } from "./check.ts";
import type { Diffusion } from "./diffusion.ts";

const check = (diffusion: Diffusion, t: number, images: Record<string, Float32Array>): void => {
  checkInteger("t", t, 0, diffusion.timesteps - 1);
  checkSameLength(images);
};

/** out = a·x + b·y, element by element. */
const mix = (out: Float32Array, a: number, x: Float32Array, b: number, y: Float32Array): Float32Array => {
  for (let i = 0; i < out.length; i++) out[i] = a * x[i] + b * y[i];
  return out;
};

/**
 * One step of the forward process, q(x_t | x_{t−1}) = N(√(1 − β_t) x_{t−1}, β_t I) (Ho et al. 2020, eq. 2).
 *
 * @param previous x_{t−1}, of any shape; x_0 where t is 0
 * @param t the timestep reached, 0 … T − 1
 * @param noise ε ~ N(0, I), of the same shape
 * @param out receives x_t; may be one of the inputs
 * @throws {TypeError} if `t` is no number or an image no float array
 * @throws {RangeError} if t is out of range or the lengths differ
 */
export const qStep = (
  diffusion: Diffusion,
  previous: Float32Array,
  t: number,
  noise: Float32Array,
  out: Float32Array = new Float32Array(previous.length),
): Float32Array => {
  check(diffusion, t, { previous, noise, out });
  return mix(out, Math.sqrt(diffusion.alphas[t]), previous, Math.sqrt(diffusion.betas[t]), noise);
};

/**
 * The forward process in closed form, q(x_t | x_0) = N(√ᾱ_t x_0, (1 − ᾱ_t) I) (eq. 4): what Algorithm 1 trains on.
 *
 * @param start x_0, of any shape
 * @param t 0 … T − 1
 * @param noise ε ~ N(0, I), of the same shape
 * @param out receives x_t; may be one of the inputs
 * @throws {TypeError} if `t` is no number or an image no float array
 * @throws {RangeError} if t is out of range or the lengths differ
 */
export const qSample = (
  diffusion: Diffusion,
  start: Float32Array,
  t: number,
  noise: Float32Array,
  out: Float32Array = new Float32Array(start.length),
): Float32Array => {
  check(diffusion, t, { start, noise, out });
  return mix(out, diffusion.sqrtAlphasCumprod[t], start, diffusion.sqrtOneMinusAlphasCumprod[t], noise);
};

/** The posterior q(x_{t−1} | x_t, x_0) = N(mean, variance · I). */
export interface Posterior {
  mean: Float32Array;
  /** β̃_t. */
  variance: number;
  /** log β̃_t, finite at t = 0 too. */
  logVarianceClipped: number;
}

/**
 * The forward process posterior q(x_{t−1} | x_t, x_0), with mean μ̃_t and variance β̃_t (eq. 6, 7).
 *
 * @param start x_0
 * @param xt x_t, of the same shape
 * @param t 0 … T − 1; at 0 the mean is x_0 and the variance 0
 * @param out receives the mean; may be one of the inputs
 * @throws {TypeError} if `t` is no number or an image no float array
 * @throws {RangeError} if t is out of range or the lengths differ
 */
export const qPosterior = (
  diffusion: Diffusion,
  start: Float32Array,
  xt: Float32Array,
  t: number,
  out: Float32Array = new Float32Array(start.length),
): Posterior => {
  check(diffusion, t, { start, xt, out });
  return {
    mean: mix(out, diffusion.posteriorMeanCoef1[t], start, diffusion.posteriorMeanCoef2[t], xt),
    variance: diffusion.posteriorVariance[t],
    logVarianceClipped: diffusion.posteriorLogVarianceClipped[t],
  };
};
