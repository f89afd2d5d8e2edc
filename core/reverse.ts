import { checkInteger, checkLength, checkNumber, checkOneOf, checkSameLength } from "./check.ts";
import type { Diffusion } from "./diffusion.ts";
import { type Prediction, startCoefficients } from "./prediction.ts";

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

/** Whether a variance is learned, by its name here or in diffusers (which has others, all fixed): the network then outputs twice
 * the image's channels, the second half being the variance. */
export const isLearned = (variance: string): variance is "learned" | "learned_range" =>
  variance === "learned" || variance === "learned_range";

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

/** What the network sees and says at one timestep, and how to read it. */
export interface ReverseOptions {
  /** x_t, one image or several, flat NHWC. */
  xt: Float32Array;
  /** 0 … T − 1. */
  t: number;
  /** The network's output: xt's length, or twice that where the variance is learned. */
  output: Float32Array;
  /** "epsilon" by default. */
  prediction?: Prediction;
  /** "fixed_small" by default. */
  variance?: Variance;
  /** The image's channels C, needed where the variance is learned: of each pixel's 2C outputs the last C are it. */
  channels?: number;
  /** x_0 is clamped to [−clip, clip]; Infinity, the default, leaves it. */
  clip?: number;
}

/** p_θ(x_{t−1} | x_t) = N(mean, exp(logVariance)), with the x_0 it was computed from; all of x_t's shape. */
export interface Reverse {
  mean: Float32Array;
  logVariance: Float32Array;
  start: Float32Array;
}

/** Splits [pixels, 2C] into [pixels, C] and [pixels, C]. */
const split = (output: Float32Array, channels: number): [Float32Array, Float32Array] => {
  const first = new Float32Array(output.length / 2);
  const second = new Float32Array(output.length / 2);
  for (let i = 0; i < first.length; i += channels) {
    first.set(output.subarray(2 * i, 2 * i + channels), i);
    second.set(output.subarray(2 * i + channels, 2 * i + 2 * channels), i);
  }
  return [first, second];
};

/**
 * The mean and the variance of the reverse step p_θ(x_{t−1} | x_t) (Ho et al. 2020, eq. 1): the posterior mean μ̃_t
 * (eq. 7) at the x_0 that the network's output implies.
 *
 * Without clipping and for ε this is the mean of Algorithm 2, 1/√α_t (x_t − (1 − α_t)/√(1 − ᾱ_t) ε). Where the
 * algorithm is printed with ᾱ_t in place of those two α_t, that is a slip: such steps do not undo eq. 2.
 *
 * @throws {TypeError} if an argument is of the wrong kind
 * @throws {RangeError} if t, clip or channels is out of range, a name unknown, a length wrong, or ε is given where ᾱ_t
 * is 0
 */
export const pMeanVariance = (
  diffusion: Diffusion,
  { xt, t, output, prediction = "epsilon", variance = "fixed_small", channels, clip = Infinity }: ReverseOptions,
): Reverse => {
  checkOneOf("variance", variance, VARIANCES);
  const { p, q } = startCoefficients(diffusion, prediction, t);
  if (clip !== Infinity) checkNumber("clip", clip, 0, Infinity, { min: true });

  const logVariance = new Float32Array(xt.length);
  let predicted = output;
  if (isLearned(variance)) {
    checkInteger("channels", channels, 1);
    checkSameLength({ xt });
    checkInteger("the number of pixels in xt", xt.length / channels!, 0);
    checkLength("output", output, 2 * xt.length);
    const [first, second] = split(output, channels!);
    predicted = first;
    const low = diffusion.posteriorLogVarianceClipped[t];
    const high = Math.log(diffusion.betas[t]);
    const range = variance === "learned_range";
    for (let i = 0; i < logVariance.length; i++) {
      logVariance[i] = range ? low + (second[i] + 1) / 2 * (high - low) : second[i];
    }
  } else {
    checkSameLength({ xt, output });
    logVariance.fill(fixedLogVariance(diffusion, variance, t));
  }

  const start = new Float32Array(xt.length);
  const mean = new Float32Array(xt.length);
  const a = diffusion.posteriorMeanCoef1[t];
  const b = diffusion.posteriorMeanCoef2[t];
  for (let i = 0; i < xt.length; i++) {
    const x0 = Math.min(clip, Math.max(-clip, p * xt[i] + q * predicted[i]));
    start[i] = x0;
    mean[i] = a * x0 + b * xt[i];
  }
  return { mean, logVariance, start };
};
