import { checkFloats, checkSameLength } from "./check.ts";
import type { Diffusion } from "./diffusion.ts";
import { type Posterior, qPosterior } from "./forward.ts";
import { discretizedGaussianLogLikelihood, normalKl } from "./gaussian.ts";
import { pMeanVariance, type Reverse, type ReverseOptions } from "./reverse.ts";

const meanOf = (length: number, entry: (i: number) => number): number => {
  let sum = 0;
  for (let i = 0; i < length; i++) sum += entry(i);
  return sum / length;
};

/**
 * L_simple, the mean squared error of the network's output (Ho et al. 2020, eq. 14; Algorithm 1).
 *
 * @param target what `trainingTarget` gives: ε in the paper
 * @param output what the network predicts, of the same shape
 * @throws {TypeError} if one is no float array
 * @throws {RangeError} if the lengths differ
 */
export const simpleLoss = (target: Float32Array, output: Float32Array): number => {
  checkSameLength({ target, output });
  return meanOf(target.length, (i) => (target[i] - output[i]) ** 2);
};

/**
 * L_T = KL(q(x_T | x_0) ‖ N(0, I)) of one image, in bits per dimension (eq. 5): what the schedule alone costs.
 *
 * @param start x_0, values in [−1, 1]
 * @throws {TypeError} if `start` is no float array
 */
export const priorBitsPerDim = (diffusion: Diffusion, start: Float32Array): number => {
  checkFloats("start", start);
  const last = diffusion.timesteps - 1;
  const signal = diffusion.sqrtAlphasCumprod[last];
  const logVariance = Math.log1p(-diffusion.alphasCumprod[last]);
  return meanOf(start.length, (i) => normalKl(signal * start[i], logVariance, 0, 0)) / Math.LN2;
};

/** Mean of `normalKl` over the elements; its exponentials are taken anew only where the variance changes. */
const meanKl = (
  { mean, logVarianceClipped }: Posterior,
  reverse: Pick<Reverse, "mean" | "logVariance">,
): number => {
  let [sum, logVariance, offset, precision] = [0, NaN, 0, 0];
  for (let i = 0; i < mean.length; i++) {
    if (reverse.logVariance[i] !== logVariance) {
      logVariance = reverse.logVariance[i];
      const d = logVarianceClipped - logVariance;
      offset = Math.expm1(d) - d;
      precision = Math.exp(-logVariance);
    }
    sum += 0.5 * (offset + (mean[i] - reverse.mean[i]) ** 2 * precision);
  }
  if (Number.isFinite(sum)) return sum / mean.length;
  // It says which value is none.
  return meanOf(mean.length, (i) => normalKl(mean[i], logVarianceClipped, reverse.mean[i], reverse.logVariance[i]));
};

/** One term of the bound, with what the reverse step was. */
export interface BoundTerm extends Reverse {
  /** L_{t−1}, or L_0 at t = 0, in bits per dimension. */
  bits: number;
}

/**
 * One term of the variational bound for one image, in bits per dimension (eq. 5): for t > 0 the divergence
 * KL(q(x_{t−1} | x_t, x_0) ‖ p_θ(x_{t−1} | x_t)), for t = 0 the decoder's −log p_θ(x_0 | x_1) by eq. 13.
 *
 * In the paper's count, from 1, the sum of divergences runs over t > 1: its t = 1 is L_0. Where the sum is printed as
 * starting at t ≥ 1, that is a slip.
 *
 * @param start x_0, values in [−1, 1]
 * @param options x_t = qSample(x_0, t, ε), the network's output there, and how to read it
 * @throws {TypeError} if an argument is of the wrong kind
 * @throws {RangeError} as `pMeanVariance` does, or if a value is NaN or infinite
 */
export const boundTerm = (diffusion: Diffusion, start: Float32Array, options: ReverseOptions): BoundTerm => {
  const { xt, t } = options;
  checkSameLength({ start, xt });
  const reverse = pMeanVariance(diffusion, options);
  const { mean, logVariance } = reverse;
  const posterior = qPosterior(diffusion, start, xt, t);
  const nats = t === 0
    ? meanOf(start.length, (i) => -discretizedGaussianLogLikelihood(start[i], mean[i], logVariance[i]))
    : meanKl(posterior, reverse);
  return { ...reverse, bits: nats / Math.LN2 };
};
