import { checkInteger, checkOneOf, checkSameLength } from "./check.ts";
import type { Diffusion } from "./diffusion.ts";

/** What a network can be trained to predict: the noise ε, the image x_0, or v = √ᾱ_t ε − √(1 − ᾱ_t) x_0. */
export const PREDICTIONS = ["epsilon", "sample", "v_prediction"] as const;

/** The name of a prediction, as in diffusers. */
export type Prediction = typeof PREDICTIONS[number];

/** x_0 = p·x_t + q·output (or ε by the same form). */
export interface Coefficients {
  p: number;
  q: number;
}

/**
 * The factors by which x_0 follows from x_t and the network's output, x_0 = p·x_t + q·output.
 *
 * For ε they invert eq. 4 of Ho et al. 2020; for v see Salimans & Ho 2022, appendix D.
 *
 * @param t 0 … T − 1
 * @throws {TypeError} if an argument is of the wrong kind
 * @throws {RangeError} if t is out of range, the prediction unknown, or ε is given where ᾱ_t is 0
 */
export const startCoefficients = (diffusion: Diffusion, prediction: Prediction, t: number): Coefficients => {
  checkInteger("t", t, 0, diffusion.timesteps - 1);
  checkOneOf("prediction", prediction, PREDICTIONS);
  const signal = diffusion.sqrtAlphasCumprod[t];
  const noise = diffusion.sqrtOneMinusAlphasCumprod[t];
  if (prediction === "sample") return { p: 0, q: 1 };
  if (prediction === "v_prediction") return { p: signal, q: -noise };
  if (signal === 0) {
    throw new RangeError(`prediction must be sample or v_prediction where x_t holds no signal, received "epsilon"`);
  }
  return { p: 1 / signal, q: -noise / signal };
};

const epsilonCoefficients = (diffusion: Diffusion, prediction: Prediction, t: number): Coefficients => {
  checkInteger("t", t, 0, diffusion.timesteps - 1);
  checkOneOf("prediction", prediction, PREDICTIONS);
  const signal = diffusion.sqrtAlphasCumprod[t];
  const noise = diffusion.sqrtOneMinusAlphasCumprod[t];
  if (prediction === "epsilon") return { p: 0, q: 1 };
  if (prediction === "v_prediction") return { p: noise, q: signal };
  return { p: 1 / noise, q: -signal / noise };
};

const apply = ({ p, q }: Coefficients, x: Float32Array, output: Float32Array, out: Float32Array): Float32Array => {
  checkSameLength({ xt: x, output, out });
  for (let i = 0; i < out.length; i++) out[i] = p * x[i] + q * output[i];
  return out;
};

/**
 * x_0 as the network's output has it: (x_t − √(1 − ᾱ_t) ε) / √ᾱ_t for ε (eq. 15 of Ho et al. 2020), the output itself
 * for `sample`, √ᾱ_t x_t − √(1 − ᾱ_t) v for v. Not clipped.
 *
 * @param xt x_t, of any shape
 * @param t 0 … T − 1
 * @param output what the network predicts, of the same shape
 * @param out receives x_0; may be one of the inputs
 * @throws {TypeError} if an argument is of the wrong kind
 * @throws {RangeError} if t is out of range, a length differs, or ε is given where ᾱ_t is 0
 */
export const predictStart = (
  diffusion: Diffusion,
  prediction: Prediction,
  xt: Float32Array,
  t: number,
  output: Float32Array,
  out: Float32Array = new Float32Array(xt.length),
): Float32Array => apply(startCoefficients(diffusion, prediction, t), xt, output, out);

/**
 * ε as the network's output has it: the output itself for ε, (x_t − √ᾱ_t x_0) / √(1 − ᾱ_t) for `sample`,
 * √(1 − ᾱ_t) x_t + √ᾱ_t v for v.
 *
 * @param xt x_t, of any shape
 * @param t 0 … T − 1
 * @param output what the network predicts, of the same shape
 * @param out receives ε; may be one of the inputs
 * @throws {TypeError} if an argument is of the wrong kind
 * @throws {RangeError} if t is out of range or a length differs
 */
export const predictEpsilon = (
  diffusion: Diffusion,
  prediction: Prediction,
  xt: Float32Array,
  t: number,
  output: Float32Array,
  out: Float32Array = new Float32Array(xt.length),
): Float32Array => apply(epsilonCoefficients(diffusion, prediction, t), xt, output, out);

/**
 * v = √ᾱ_t ε − √(1 − ᾱ_t) x_0 (Salimans & Ho 2022, section 4).
 *
 * @param start x_0, of any shape
 * @param t 0 … T − 1
 * @param noise ε, of the same shape
 * @param out receives v; may be one of the inputs
 * @throws {TypeError} if an argument is of the wrong kind
 * @throws {RangeError} if t is out of range or a length differs
 */
export const velocity = (
  diffusion: Diffusion,
  start: Float32Array,
  t: number,
  noise: Float32Array,
  out: Float32Array = new Float32Array(start.length),
): Float32Array => {
  checkInteger("t", t, 0, diffusion.timesteps - 1);
  checkSameLength({ start, noise, out });
  const a = diffusion.sqrtAlphasCumprod[t];
  const b = diffusion.sqrtOneMinusAlphasCumprod[t];
  for (let i = 0; i < out.length; i++) out[i] = a * noise[i] - b * start[i];
  return out;
};

/**
 * What the network is trained to answer at x_t = qSample(x_0, t, ε): ε, x_0 or v, as a new array.
 *
 * @throws {TypeError} if an argument is of the wrong kind
 * @throws {RangeError} if t is out of range, the prediction unknown, or a length differs
 */
export const trainingTarget = (
  diffusion: Diffusion,
  prediction: Prediction,
  start: Float32Array,
  t: number,
  noise: Float32Array,
): Float32Array => {
  checkInteger("t", t, 0, diffusion.timesteps - 1);
  checkOneOf("prediction", prediction, PREDICTIONS);
  checkSameLength({ start, noise });
  if (prediction === "v_prediction") return velocity(diffusion, start, t, noise);
  return (prediction === "epsilon" ? noise : start).slice();
};
