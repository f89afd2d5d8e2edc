import { checkNumber } from "./check.ts";
import { discretizedGaussianLogLikelihood } from "./gaussian.ts";

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
