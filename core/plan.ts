import { checkInteger, checkLength } from "./check.ts";
import type { Prediction } from "./prediction.ts";

/** The samplers that `compilePlan` knows. */
export const SAMPLERS = ["ddpm", "ddim", "heun", "dpmsolver++"] as const;

/** The name of a sampler. */
export type SamplerName = typeof SAMPLERS[number];

/** A variance that the network learned: log σ² is read from its output, per element (Nichol & Dhariwal 2021, eq. 15). */
export interface LearnedVariance {
  /** "learned": the output is log σ². "learned_range": it runs from −1 (`minLog`) to 1 (`maxLog`). */
  readonly kind: "learned" | "learned_range";
  /** log β̃, the smallest log σ². */
  readonly minLog: number;
  /** log β, the largest log σ². */
  readonly maxLog: number;
}

/**
 * One evaluation of the network and the update that follows it, in float64 scalars.
 *
 *     x0  = clamp(p·x + q·out, ±clip)
 *     x'  = a·x + b·x0 + h·x0_previous + c·z
 *
 * `out` is the network's output at `timestep`, `x0_previous` the x0 of the row before, `z` standard normal noise.
 */
export interface PlanRow {
  /** The timestep to ask the network for, in 0 … T − 1. */
  readonly timestep: number;
  readonly p: number;
  readonly q: number;
  readonly a: number;
  readonly b: number;
  readonly h: number;
  readonly c: number;
  /** The bound of |x0|; Infinity for none. */
  readonly clip: number;
  /** Where given, c is exp(½ log σ²) of the network's output instead, an element at a time. */
  readonly variance?: LearnedVariance;
}

/** A sampler, compiled: its rows in order. Rows of different plans can share one network call. */
export interface Plan {
  readonly sampler: SamplerName | "ddim_inversion";
  /** What the network's output stands for. */
  readonly prediction: Prediction;
  readonly rows: readonly PlanRow[];
}

/** The arrays of one image, all of its length H·W·C (NHWC) except `out`. */
export interface RowArrays {
  /** x_t. */
  x: Float32Array;
  /** The network's output: H·W·C, or H·W·2C where it learned the variance (per pixel C predictions, then C variances). */
  out: Float32Array;
  /** Receives x0. */
  x0: Float32Array;
  /** x0 of the row before. May be `x0` itself, which is the default. */
  x0Previous?: Float32Array;
  /** Standard normal noise; needed where `needsNoise(row)`. */
  z?: Float32Array;
  /** Receives x'. May be `x` itself, which is the default. */
  next?: Float32Array;
  /** C; needed where `out` has 2C channels. */
  channels?: number;
}

/** Tells whether a row adds noise, so that `applyRow` will read `z`. */
export const needsNoise = (row: PlanRow): boolean => row.c !== 0 || row.variance !== undefined;

const applyPlain = (
  { p, q, a, b, h, c, clip }: PlanRow,
  x: Float32Array,
  out: Float32Array,
  x0: Float32Array,
  x0Previous: Float32Array,
  z: Float32Array,
  next: Float32Array,
): void => {
  for (let i = 0; i < x.length; i++) {
    const current = x[i];
    let start = p * current + q * out[i];
    start = start > clip ? clip : start < -clip ? -clip : start;
    let value = a * current + b * start;
    if (h !== 0) value += h * x0Previous[i];
    if (c !== 0) value += c * z[i];
    x0[i] = start;
    next[i] = value;
  }
};

const applyWide = (
  { p, q, a, b, h, c, clip, variance }: PlanRow,
  x: Float32Array,
  out: Float32Array,
  x0: Float32Array,
  x0Previous: Float32Array,
  z: Float32Array,
  next: Float32Array,
  channels: number,
): void => {
  const ranged = variance?.kind === "learned_range";
  const slope = variance === undefined ? 0 : ranged ? (variance.maxLog - variance.minLog) / 4 : 0.5;
  const middle = variance !== undefined && ranged ? (variance.maxLog + variance.minLog) / 4 : 0;
  for (let i = 0, k = 0; i < x.length; k += channels) {
    for (let j = 0; j < channels; j++, i++, k++) {
      const current = x[i];
      let start = p * current + q * out[k];
      start = start > clip ? clip : start < -clip ? -clip : start;
      let value = a * current + b * start;
      if (h !== 0) value += h * x0Previous[i];
      if (variance !== undefined) value += Math.exp(middle + slope * out[k + channels]) * z[i];
      else if (c !== 0) value += c * z[i];
      x0[i] = start;
      next[i] = value;
    }
  }
};

/**
 * Applies one row to one image: writes x0 to `x0` and x' to `next`, in one pass and without allocating.
 *
 * An image's result does not depend on what else is in the batch.
 *
 * @throws {TypeError} if an array that the row needs is missing or of another kind
 * @throws {RangeError} if a length differs from that of `x`, or `out` has 2C channels and `channels` does not fit
 */
export const applyRow = (
  row: PlanRow,
  { x, out, x0, x0Previous = x0, z, next = x, channels }: RowArrays,
): void => {
  checkLength("x0", x0, x.length);
  checkLength("next", next, x.length);
  if (row.h !== 0) checkLength("x0Previous", x0Previous, x.length);
  if (needsNoise(row)) checkLength("z", z, x.length);
  if (row.variance === undefined && out.length === x.length) {
    applyPlain(row, x, out, x0, x0Previous, z ?? x, next);
    return;
  }
  checkLength("out", out, 2 * x.length);
  checkInteger("channels", channels, 1, x.length);
  if (x.length % channels! !== 0) {
    throw new RangeError(`channels must divide the ${x.length} elements of x, received ${channels}`);
  }
  applyWide(row, x, out, x0, x0Previous, z ?? x, next, channels!);
};

/** Checks that every scalar of a plan is finite; β so small that 1 − ᾱ rounds to 0 gives one that is not. */
export const checkPlan = (plan: Plan): Plan => {
  for (const { timestep, p, q, a, b, h, c } of plan.rows) {
    if (![p, q, a, b, h, c].every(Number.isFinite)) {
      throw new RangeError(
        `betas must be large enough for 1 − ᾱ to differ from 0, received a schedule where timestep ${timestep} has none`,
      );
    }
  }
  return plan;
};
