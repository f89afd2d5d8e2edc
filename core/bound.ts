import { checkFloats, checkInteger, checkLength, checkSameLength } from "./check.ts";
import type { Diffusion } from "./diffusion.ts";
import { type Posterior, qPosterior, qSample } from "./forward.ts";
import { discretizedGaussianLogLikelihood, normalKl } from "./gaussian.ts";
import { DOMAINS, fillNormal } from "./noise.ts";
import { predictEpsilon } from "./prediction.ts";
import { isLearned, pMeanVariance, type Reverse, type ReverseOptions } from "./reverse.ts";
import { imageAt } from "./sample.ts";
import type { Evaluate } from "./sample.ts";

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

/** What `calcBpd` needs beside the images. */
export interface BpdOptions extends Omit<ReverseOptions, "xt" | "t" | "output"> {
  /** The network: x is n images, flat NHWC, with one timestep each. */
  evaluate: Evaluate;
  /** How many images `start` holds; 1 by default. */
  count?: number;
  /** Seed of the noise in x_t; 0 by default. */
  seed?: number;
  /** Index of the first image, so that a data set's bound does not depend on how it is cut into batches; 0 by default. */
  sample?: number;
}

/** The variational bound of one image, in bits per dimension, and the errors of the network at each t. */
export interface BitsPerDim {
  /** prior + Σ terms. */
  total: number;
  /** L_T. */
  prior: number;
  /** L_0, L_1 … L_{T−1} by t. */
  terms: Float64Array;
  /** Mean squared error of the predicted x_0 by t. */
  xStartMse: Float64Array;
  /** Mean squared error of the predicted ε by t. */
  mse: Float64Array;
}

/** What one timestep says of one image. */
export interface BpdTerm {
  /** L_{t−1}, or L_0 at t = 0, in bits per dimension. */
  bits: number;
  /** Mean squared error of the predicted x_0. */
  xStartMse: number;
  /** Mean squared error of the ε that the predicted x_0 stands for. */
  mse: number;
}

/**
 * One term of the bound for one image (eq. 5), with the errors of the network there.
 *
 * @param start x_0, values in [−1, 1]
 * @param noise ε, by which x_t = qSample(x_0, t, ε) was made
 * @param options x_t, the network's output there, and how to read it
 * @throws {TypeError} if an argument is of the wrong kind
 * @throws {RangeError} as `boundTerm` does
 */
export const bpdTerm = (
  diffusion: Diffusion,
  start: Float32Array,
  noise: Float32Array,
  options: ReverseOptions,
): BpdTerm => {
  const term = boundTerm(diffusion, start, options);
  const epsilon = predictEpsilon(diffusion, "sample", options.xt, options.t, term.start);
  return { bits: term.bits, xStartMse: simpleLoss(term.start, start), mse: simpleLoss(epsilon, noise) };
};

/**
 * The whole variational bound L = L_T + Σ_{t>1} L_{t−1} + L_0 (eq. 5), in bits per dimension, one noise draw for each
 * image and t. It asks the network T times, with all the images at once.
 *
 * @param start x_0 of `count` images, flat NHWC, values in [−1, 1]
 * @returns one entry an image
 * @throws {TypeError} if an argument is of the wrong kind
 * @throws {RangeError} if an option is out of range, or `evaluate` answers NaN or a wrong length
 */
export const calcBpd = async (
  diffusion: Diffusion,
  start: Float32Array,
  { evaluate, count = 1, seed = 0, sample = 0, ...reading }: BpdOptions,
): Promise<BitsPerDim[]> => {
  checkFloats("start", start);
  checkInteger("count", count, 1);
  checkInteger("the number of elements of an image", start.length / count, 1);
  const T = diffusion.timesteps;
  const image = (batch: Float32Array, i: number) => imageAt(batch, count, i);
  const factor = isLearned(reading.variance ?? "fixed_small") ? 2 : 1;
  const bounds = Array.from({ length: count }, (_, i): BitsPerDim => ({
    total: 0,
    prior: priorBitsPerDim(diffusion, image(start, i)),
    terms: new Float64Array(T),
    xStartMse: new Float64Array(T),
    mse: new Float64Array(T),
  }));

  const noise = new Float32Array(start.length);
  const x = new Float32Array(start.length);
  for (let t = T - 1; t >= 0; t--) {
    for (let i = 0; i < count; i++) {
      fillNormal(image(noise, i), { seed, sample: sample + i, step: t, domain: DOMAINS.bound });
      qSample(diffusion, image(start, i), t, image(noise, i), image(x, i));
    }
    const output = await evaluate(x, new Int32Array(count).fill(t));
    checkLength("the network's output", output, factor * start.length);
    bounds.forEach((bound, i) => {
      const options = { ...reading, xt: image(x, i), t, output: image(output, i) };
      const term = bpdTerm(diffusion, image(start, i), image(noise, i), options);
      bound.terms[t] = term.bits;
      bound.xStartMse[t] = term.xStartMse;
      bound.mse[t] = term.mse;
    });
  }
  for (const bound of bounds) bound.total = bound.terms.reduce((sum, bits) => sum + bits, bound.prior);
  return bounds;
};
