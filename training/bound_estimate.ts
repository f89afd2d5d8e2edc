import {
  boundFromMse,
  boundTables,
  decoderBits,
  type Diffusion,
  normalKl,
  type Prediction,
  startCoefficients,
} from "../core/mod.ts";
import type { TrainedVariance } from "./choices.ts";

/** An image is forgotten to 1/e after so many times T further ones: some 20 at t = 0 are remembered. */
const MEMORY = 20;

/** The name of the estimate among a training state's numbers. */
const STATE_NAME = "boundEstimate";

/** What became of images in a training step. */
export interface MeasuredImages {
  /** Each image's t. */
  readonly timesteps: ArrayLike<number>;
  /** Each image's mean squared error of what the network predicts. */
  readonly squaredErrors: ArrayLike<number>;
  /** Each image's term of the bound, in bits per dimension, where the step computes it; else `null`. */
  readonly bounds: ArrayLike<number> | null;
  /** 1 / (T·p_t) of each image, where p_t is the probability with which its t was drawn. */
  readonly weights: ArrayLike<number>;
  /** x_0 in [−1, 1], flat NHWC. */
  readonly images: Float32Array;
}

/** A running estimate of the variational bound. */
export interface BoundEstimate {
  record(images: MeasuredImages): void;
  /** Bits per dimension; `null` until all strata have met an image. */
  readonly value: number | null;
}

/** Timesteps whose terms are alike in size: {0}, {1}, {2, 3}, {4 … 7} and so on, since a term falls about as 1/t. */
const stratumOf = (t: number): number => t === 0 ? 0 : 1 + Math.floor(Math.log2(t));

/**
 * Estimates the bound L_T + Σ L_{t−1} + L_0 (Ho et al. 2020, eq. 5), in bits per dimension, from what training computes
 * anyway: one term of one timestep an image, at the network that the image met, its dropout and all, not the average.
 *
 * The sum over t is taken by strata of timesteps: each stratum's mean term over the images that fell there lately, times
 * its number of timesteps. For one network that is unbiased where t is uniform, like T times the term of a random t, of
 * which it needs some hundred times fewer images. While the network learns, it is behind by about 20 T images.
 *
 * With a fixed variance the terms follow from the error of the prediction, x_0 not clipped to [−1, 1], and L_0 by
 * `decoderBits`; where the step computes the bound, its terms are taken as they are.
 *
 * @param numbers those of the training state, in which the estimate is kept, so that resuming goes on exactly
 */
export const createBoundEstimate = (
  { diffusion, prediction, variance, numbers }: {
    diffusion: Diffusion;
    prediction: Prediction;
    variance: TrainedVariance;
    numbers: Record<string, Float64Array>;
  },
): BoundEstimate => {
  const T = diffusion.timesteps, strata = stratumOf(T - 1) + 1;
  const sizes = new Float64Array(strata);
  for (let t = 0; t < T; t++) sizes[stratumOf(t)]++;
  // By stratum: sums of weighted terms, sums of weights; then the sum of x_0² and its count.
  const sums = numbers[STATE_NAME] ??= new Float64Array(2 * strata + 2);
  const tables = variance === "learned_range" ? null : boundTables(diffusion, { prediction, variance });
  const startError = startCoefficients(diffusion, prediction, 0).q ** 2;
  const lastSignal = diffusion.alphasCumprod[T - 1];

  const termOf = (i: number, { timesteps, squaredErrors, bounds, images }: MeasuredImages): number | null => {
    if (bounds) return bounds[i];
    if (!tables) return null;
    const t = timesteps[i];
    if (t > 0) return boundFromMse(tables, t, squaredErrors[i]);
    const size = images.length / timesteps.length;
    const edges = images.subarray(i * size, (i + 1) * size).reduce((n, x) => n + (Math.abs(x) === 1 ? 1 : 0), 0);
    return decoderBits(startError * squaredErrors[i], { logVariance: tables.low[0], edgeShare: edges / size });
  };

  return {
    record: (judged) => {
      const { timesteps, weights, images } = judged, n = timesteps.length;
      const decay = Math.exp(-n / (MEMORY * T));
      for (let i = 0; i < sums.length; i++) sums[i] *= decay;
      for (let i = 0; i < n; i++) {
        const term = termOf(i, judged);
        if (term === null) return;
        const stratum = stratumOf(timesteps[i]);
        sums[stratum] += weights[i] * term;
        sums[strata + stratum] += weights[i];
      }
      let squares = 0;
      for (let i = 0; i < images.length; i++) squares += images[i] * images[i];
      sums[2 * strata] += squares;
      sums[2 * strata + 1] += images.length;
    },
    get value() {
      const meanSquare = sums[2 * strata] / sums[2 * strata + 1];
      let bits = normalKl(Math.sqrt(lastSignal * meanSquare), Math.log1p(-lastSignal), 0, 0) / Math.LN2;
      for (let stratum = 0; stratum < strata; stratum++) {
        if (sums[strata + stratum] === 0) return null;
        bits += sizes[stratum] * sums[stratum] / sums[strata + stratum];
      }
      return bits;
    },
  };
};
