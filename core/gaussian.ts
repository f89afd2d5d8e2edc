import { checkNumber } from "./check.ts";
import { logNormalInterval } from "./erf.ts";

/**
 * KL(N(mean1, σ1²) ‖ N(mean2, σ2²)) of two scalar normals, in nats.
 *
 * @param logVariance1 log σ1²
 * @param logVariance2 log σ2²
 * @throws {TypeError} if an argument is no number
 * @throws {RangeError} if one is NaN or infinite
 */
export const normalKl = (mean1: number, logVariance1: number, mean2: number, logVariance2: number): number => {
  checkNumber("mean1", mean1);
  checkNumber("logVariance1", logVariance1);
  checkNumber("mean2", mean2);
  checkNumber("logVariance2", logVariance2);
  const d = logVariance1 - logVariance2;
  return 0.5 * (Math.expm1(d) - d + (mean1 - mean2) ** 2 * Math.exp(-logVariance2));
};

/** Half the width of one of the 256 bins into which [−1, 1] is cut, the pixel values at their centres. */
const HALF_BIN = 1 / 255;

/**
 * log p(x), in nats, of a pixel value under a normal that is integrated over the value's bin (Ho et al. 2020, eq. 13).
 *
 * The bin is [x − 1/255, x + 1/255]; those of −1 and 1 reach to −∞ and ∞.
 *
 * @param x a pixel value in [−1, 1], one of the 256 that (2·byte/255 − 1) takes
 * @param mean the normal's mean
 * @param logVariance log σ²
 * @throws {TypeError} if an argument is no number
 * @throws {RangeError} if x lies outside [−1, 1], or one is NaN or infinite
 */
export const discretizedGaussianLogLikelihood = (x: number, mean: number, logVariance: number): number => {
  checkNumber("x", x, -1, 1);
  checkNumber("mean", mean);
  checkNumber("logVariance", logVariance);
  const scale = Math.exp(-0.5 * logVariance);
  const low = x < HALF_BIN - 1 ? -Infinity : (x - HALF_BIN - mean) * scale;
  const high = x > 1 - HALF_BIN ? Infinity : (x + HALF_BIN - mean) * scale;
  return logNormalInterval(low, high);
};
