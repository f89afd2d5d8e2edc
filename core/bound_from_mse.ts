import { checkNumber, checkOneOf } from "./check.ts";
import type { Diffusion } from "./diffusion.ts";
import { discretizedGaussianLogLikelihood } from "./gaussian.ts";
import { type Prediction, startCoefficients } from "./prediction.ts";

/**
 * The variational bound's terms as functions of the network's error e = output − target, by tables of length T. For t > 0
 *
 *     KL(q(x_{t−1} | x_t, x_0) ‖ p_θ(x_{t−1} | x_t)) = ½ (exp(d) · (1 + error_t · e²) − 1 − d),  d = −share · range_t
 *
 * in nats (Ho et al. 2020, eq. 5 with eq. 7): the means differ by posteriorMeanCoef1 times the error of x_0, and
 * log σ_t² = low_t + share · range_t.
 */
export interface BoundTables {
  /** (posteriorMeanCoef1 · start)² / β̃_t. */
  readonly error: Float64Array;
  /** Error of x_0 for an error of 1 in what is predicted. */
  readonly start: Float64Array;
  /** log β̃_t, finite at t = 0 too. */
  readonly low: Float64Array;
  /** log β_t − log β̃_t. */
  readonly range: Float64Array;
  /** Where σ_t² lies between β̃_t (0) and β_t (1), if the variance is fixed; a network that learns it says so itself. */
  readonly share: Float64Array;
}

/**
 * Computes {@linkcode BoundTables}.
 *
 * @throws {TypeError} if a name is no string
 * @throws {RangeError} if a name is unknown, or ε is predicted where x_T holds no signal
 */
export const boundTables = (
  diffusion: Diffusion,
  { prediction, variance }: { prediction: Prediction; variance: "fixed_small" | "fixed_large" | "learned_range" },
): BoundTables => {
  checkOneOf("variance", variance, ["fixed_small", "fixed_large", "learned_range"]);
  const low = diffusion.posteriorLogVarianceClipped;
  const start = diffusion.betas.map((_, t) => startCoefficients(diffusion, prediction, t).q);
  return {
    start,
    low,
    error: start.map((q, t) => (diffusion.posteriorMeanCoef1[t] * q) ** 2 / Math.exp(low[t])),
    range: diffusion.betas.map((beta, t) => Math.log(beta) - low[t]),
    share: diffusion.betas.map((_, t) => variance === "fixed_large" && t > 0 ? 1 : 0),
  };
};

/**
 * A term of the bound, in bits per dimension, from the mean squared error of the prediction alone, where the variance is
 * fixed. At t = 0 the decoder's density stands for the pixel value's probability (Ho et al. 2020, eq. 13), which is close
 * as long as σ_0 is no smaller than a pixel value's bin.
 */
export const boundFromMse = ({ error, start, low, range, share }: BoundTables, t: number, mse: number): number => {
  const d = -share[t] * range[t];
  if (t > 0) return (Math.exp(d) * (1 + error[t] * mse) - 1 - d) / 2 / Math.LN2;
  const logVariance = low[0] - d;
  const density = (Math.log(2 * Math.PI) + logVariance + start[0] ** 2 * mse * Math.exp(-logVariance)) / 2;
  return (density - Math.log(2 / 255)) / Math.LN2;
};

/** Nodes of the quadrature over the error: the trapezoidal rule, which converges fast for a normal. */
const NODES = 48, REACH = 6;

/**
 * What L_0 (Ho et al. 2020, eq. 13) is expected to be for an image, in bits per dimension, where only the mean squared
 * error of its predicted x_0 is known: as if the errors of all its pixel values were normal and alike.
 *
 * The values at the ends, −1 and 1, count apart: their bins are open, which makes them cheaper.
 *
 * @param mse mean of (x_0 − μ)²
 * @param options.logVariance log σ² of the decoder
 * @param options.edgeShare share of the pixel values that are −1 or 1, in [0, 1]
 * @throws {TypeError} if an argument is no number
 * @throws {RangeError} if one is out of range
 */
export const decoderBits = (
  mse: number,
  { logVariance, edgeShare }: { logVariance: number; edgeShare: number },
): number => {
  checkNumber("mse", mse, 0);
  checkNumber("edgeShare", edgeShare, 0, 1);
  const spread = Math.sqrt(mse);
  const expected = (value: number) => {
    let sum = 0, total = 0;
    for (let i = 0; i <= NODES; i++) {
      const z = REACH * (2 * i / NODES - 1), weight = Math.exp(-z * z / 2);
      sum -= weight * discretizedGaussianLogLikelihood(value, value - spread * z, logVariance);
      total += weight;
    }
    return sum / total;
  };
  const inner = edgeShare < 1 ? (1 - edgeShare) * expected(0) : 0;
  const edge = edgeShare > 0 ? edgeShare * expected(1) : 0;
  return (inner + edge) / Math.LN2;
};
