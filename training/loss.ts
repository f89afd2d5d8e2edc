import * as tf from "@tensorflow/tfjs-core";
import { type BoundTables, boundTables, type Diffusion, HALF_BIN, isLearned, type Prediction } from "../core/mod.ts";
import type { Loss, TrainedVariance } from "./choices.ts";

/** What is minimized, for which process and prediction. */
export interface Objective {
  readonly diffusion: Diffusion;
  readonly prediction: Prediction;
  readonly variance: TrainedVariance;
  readonly loss: Loss;
  /** Weight of each timestep's squared error, in `simple` and `hybrid`. */
  readonly lossWeights: Float64Array;
}

/** What an image's timestep decides of its example and its loss, a column each. */
const COLUMNS = [
  "signal",
  "spread",
  "targetStart",
  "targetNoise",
  "squaredError",
  "bound",
  "boundError",
  "boundStart",
  "low",
  "range",
  "share",
  "isFirst",
] as const;

type Column = typeof COLUMNS[number];

/** Factors of an image's losses: of the mean squared error, and of the bound. */
interface Factors {
  readonly squaredError: number;
  readonly bound: number;
}

/** How the parts of the loss of an image at t are weighted (Nichol & Dhariwal 2021, section 3.1: λ = 0.001, T terms). */
export const factorsAt = ({ loss, lossWeights, diffusion: { timesteps: T } }: Objective, t: number): Factors => {
  if (loss === "vlb") return { squaredError: 0, bound: T };
  return { squaredError: lossWeights[t], bound: loss === "hybrid" ? 0.001 * T : 0 };
};

const targetOf = (diffusion: Diffusion, prediction: Prediction, t: number): { start: number; noise: number } => {
  if (prediction === "epsilon") return { start: 0, noise: 1 };
  if (prediction === "sample") return { start: 1, noise: 0 };
  return { start: -diffusion.sqrtOneMinusAlphasCumprod[t], noise: diffusion.sqrtAlphasCumprod[t] };
};

/**
 * Makes the function that writes down what each image's timestep decides: n rows of `COLUMNS`.
 *
 * @returns a function of the timesteps and each image's share in the batch's loss
 */
export const createCoefficients = (
  objective: Objective,
): (timesteps: Int32Array, shares: ArrayLike<number>) => Float32Array<ArrayBuffer> => {
  const { diffusion, prediction } = objective;
  const tables: BoundTables | null = objective.loss === "simple" ? null : boundTables(diffusion, objective);
  return (timesteps, shares) => {
    const rows = new Float32Array(timesteps.length * COLUMNS.length);
    timesteps.forEach((t, i) => {
      const factors = factorsAt(objective, t), target = targetOf(diffusion, prediction, t);
      const values: Record<Column, number> = {
        signal: diffusion.sqrtAlphasCumprod[t],
        spread: diffusion.sqrtOneMinusAlphasCumprod[t],
        targetStart: target.start,
        targetNoise: target.noise,
        squaredError: factors.squaredError * shares[i],
        bound: factors.bound * shares[i],
        boundError: tables?.error[t] ?? 0,
        boundStart: tables?.start[t] ?? 0,
        low: tables?.low[t] ?? 0,
        range: tables?.range[t] ?? 0,
        share: tables?.share[t] ?? 0,
        isFirst: t === 0 ? 1 : 0,
      };
      COLUMNS.forEach((column, k) => rows[i * COLUMNS.length + k] = values[column]);
    });
    return rows;
  };
};

/** Number of columns of {@linkcode createCoefficients}. */
export const COEFFICIENTS = COLUMNS.length;

const column = (coefficients: tf.Tensor2D, name: Column): tf.Tensor4D => {
  const rows = coefficients.shape[0];
  return tf.reshape(tf.slice(coefficients, [0, COLUMNS.indexOf(name)], [rows, 1]), [rows, 1, 1, 1]);
};

/** `x`, through which no gradient passes. */
const stopGradient = (x: tf.Tensor4D): tf.Tensor4D =>
  tf.customGrad((x) => ({ value: tf.clone(x as tf.Tensor4D), gradFunc: (dy) => tf.zerosLike(dy) }))(x) as tf.Tensor4D;

/** Lines 2 to 4 of Algorithm 1 (Ho et al. 2020): x_t in closed form, and what the network is to say there. */
export const noised = (
  images: tf.Tensor4D,
  noise: tf.Tensor4D,
  coefficients: tf.Tensor2D,
): { xt: tf.Tensor4D; target: tf.Tensor4D } => {
  const mix = (start: Column, spread: Column): tf.Tensor4D =>
    tf.add(tf.mul(images, column(coefficients, start)), tf.mul(noise, column(coefficients, spread)));
  return { xt: mix("signal", "spread"), target: mix("targetStart", "targetNoise") };
};

/** Φ(z), of the standard normal. */
const normalCdf = (z: tf.Tensor): tf.Tensor => tf.mul(tf.add(tf.erf(tf.mul(z, Math.SQRT1_2)), 1), 0.5);

/**
 * −log p(x_0 | x_1) of each pixel value, in nats (Ho et al. 2020, eq. 13); no probability is taken to be below 1e-12, as
 * in improved-diffusion.
 *
 * @param off x_0 less the mean
 */
const decoderNll = (images: tf.Tensor4D, off: tf.Tensor, logVariance: tf.Tensor): tf.Tensor => {
  const inverse = tf.exp(tf.mul(logVariance, -0.5));
  const top = tf.cast(tf.greater(images, 1 - HALF_BIN), "float32");
  const aboveBottom = tf.cast(tf.greaterEqual(images, HALF_BIN - 1), "float32");
  const high = normalCdf(tf.mul(tf.add(off, HALF_BIN), inverse));
  const low = normalCdf(tf.mul(tf.sub(off, HALF_BIN), inverse));
  const mass = tf.sub(tf.add(tf.mul(high, tf.sub(1, top)), top), tf.mul(low, aboveBottom));
  return tf.mul(tf.log(tf.maximum(mass, 1e-12)), -1);
};

const flat = (values: tf.Tensor): tf.Tensor1D => tf.reshape(values, [-1]);

/**
 * Each image's losses: the mean squared errors of n images, then, unless the loss is `simple`, the n terms of the bound in
 * bits per dimension.
 *
 * @param output [n, H, W, C], or 2C where the variance is learned: of each pixel the last C are it
 * @returns [n] or [2n]
 */
export const lossesOf = (
  output: tf.Tensor4D,
  { images, target, coefficients }: { images: tf.Tensor4D; target: tf.Tensor4D; coefficients: tf.Tensor2D },
  { loss, variance }: Pick<Objective, "loss" | "variance">,
): tf.Tensor1D => {
  const of = (name: Column) => column(coefficients, name);
  const hasVariance = isLearned(variance);
  const [predicted, v] = hasVariance ? tf.split(output, 2, 3) : [output];
  const error = tf.sub(predicted, target) as tf.Tensor4D;
  const squaredError = tf.mean(tf.square(error), [1, 2, 3]) as tf.Tensor1D;
  if (loss === "simple") return squaredError;

  // The hybrid's bound moves the variance alone.
  const moved = loss === "hybrid" ? stopGradient(error) : error;
  const share = hasVariance ? tf.mul(tf.add(v, 1), 0.5) : of("share");
  const d = tf.mul(tf.mul(share, of("range")), -1);
  const divergence = tf.mul(
    tf.sub(tf.sub(tf.mul(tf.exp(d), tf.add(tf.mul(tf.square(moved), of("boundError")), 1)), 1), d),
    0.5,
  );
  const off = tf.mul(tf.mul(moved, of("boundStart")), -1);
  const decoder = decoderNll(images, off, tf.sub(of("low"), d));
  const isFirst = of("isFirst");
  const nats = tf.add(tf.mul(divergence, tf.sub(1, isFirst)), tf.mul(decoder, isFirst));
  const bound = tf.mul(tf.mean(nats, [1, 2, 3]), 1 / Math.LN2) as tf.Tensor1D;
  return tf.concat([squaredError, bound]);
};

/** The factors by which what {@linkcode lossesOf} returns adds up to the batch's loss, of the same shape. */
export const lossFactors = (coefficients: tf.Tensor2D, { loss }: Pick<Objective, "loss">): tf.Tensor1D => {
  const squaredError = flat(column(coefficients, "squaredError"));
  return loss === "simple" ? squaredError : tf.concat([squaredError, flat(column(coefficients, "bound"))]);
};
