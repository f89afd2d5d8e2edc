import { checkBetas, checkInteger, checkNumber, checkOneOf } from "./check.ts";

/**
 * The noise schedules by name.
 *
 * - `linear`: betaStart … betaEnd (Ho et al. 2020, section 4)
 * - `cosine`: ᾱ(t) = cos²((t + s) / (1 + s) · π/2) with s = 0.008 (Nichol & Dhariwal 2021, eq. 17); diffusers'
 *   `squaredcos_cap_v2`
 * - `sigmoid`: betaStart + σ(−6 … 6) · (betaEnd − betaStart) (GeoDiff; diffusers' `sigmoid`)
 * - `quadratic`: (√betaStart … √betaEnd)² (Ho et al.'s `quad`; diffusers' `scaled_linear`)
 * - `const`: betaEnd throughout (Ho et al.'s code, as the next three)
 * - `jsd`: 1/T, 1/(T − 1) … 1
 * - `warmup10`, `warmup50`: linear over the first 10 % or 50 % of the steps, then betaEnd
 */
export const SCHEDULES = [
  "linear",
  "cosine",
  "sigmoid",
  "quadratic",
  "const",
  "jsd",
  "warmup10",
  "warmup50",
] as const;

/** The name of a noise schedule. */
export type ScheduleName = typeof SCHEDULES[number];

/** Options of a schedule; the defaults are the published ones. */
export interface ScheduleOptions {
  /**
   * β_1, in (0, 1); 0.0001 by default. The paper's value: the 0.0004 that is sometimes quoted for it is a slip.
   * `cosine`, `const` and `jsd` ignore it.
   */
  betaStart?: number;
  /** β_T, in (0, 1); 0.02 by default. `cosine` and `jsd` ignore it. */
  betaEnd?: number;
  /** The bound of β_t in `cosine`, in (0, 1); 0.999 by default. The others ignore it. */
  maxBeta?: number;
}

/** Entry t of `count` evenly spaced numbers from `start` to `end`, both included; `start` where `count` is 1. */
const spaced = (start: number, end: number, count: number, t: number): number =>
  count === 1 ? start : t === count - 1 ? end : start + (end - start) * t / (count - 1);

const cosineAlphaBar = (t: number): number => Math.cos((t + 0.008) / 1.008 * Math.PI / 2) ** 2;

/**
 * The variances β_1 … β_T of the forward process by the schedule's name. For variances of your own, pass them to
 * `createDiffusion` as they are.
 *
 * betaStart and betaEnd stay what they are for every T: nothing is scaled by 1000/T. With far fewer steps than 1000 the
 * default ends leave signal in x_T; raise betaEnd, or rescale with `rescaleZeroTerminalSnr`.
 *
 * @param timesteps T ≥ 1
 * @returns T numbers in (0, 1); `jsd` alone ends at 1
 * @throws {TypeError} if an argument is of the wrong kind
 * @throws {RangeError} if the name is unknown, T < 1, or an option lies outside (0, 1)
 */
export const betaSchedule = (
  name: ScheduleName,
  timesteps: number,
  { betaStart = 1e-4, betaEnd = 0.02, maxBeta = 0.999 }: ScheduleOptions = {},
): Float64Array => {
  checkOneOf("name", name, SCHEDULES);
  checkInteger("timesteps", timesteps, 1);
  const open = { min: true, max: true };
  checkNumber("betaStart", betaStart, 0, 1, open);
  checkNumber("betaEnd", betaEnd, 0, 1, open);
  checkNumber("maxBeta", maxBeta, 0, 1, open);

  const T = timesteps;
  const warmup = (steps: number) => (t: number) => t < steps ? spaced(betaStart, betaEnd, steps, t) : betaEnd;
  const beta: Record<ScheduleName, (t: number) => number> = {
    linear: (t) => spaced(betaStart, betaEnd, T, t),
    cosine: (t) => Math.min(1 - cosineAlphaBar((t + 1) / T) / cosineAlphaBar(t / T), maxBeta),
    sigmoid: (t) => betaStart + (betaEnd - betaStart) / (1 + Math.exp(-spaced(-6, 6, T, t))),
    quadratic: (t) => spaced(Math.sqrt(betaStart), Math.sqrt(betaEnd), T, t) ** 2,
    const: () => betaEnd,
    jsd: (t) => 1 / (T - t),
    warmup10: warmup(Math.floor(T * 0.1)),
    warmup50: warmup(Math.floor(T * 0.5)),
  };
  return Float64Array.from({ length: T }, (_, t) => beta[name](t));
};

/**
 * Shifts and scales √ᾱ_t so that x_T holds no signal at all while β_1 stays (Lin et al. 2023, algorithm 1).
 *
 * The result ends at β_T = 1, where ε says nothing about x_0: train with `v_prediction` or `sample`.
 *
 * @param betas at least 2, each in (0, 1), the last in (0, 1]
 * @throws {RangeError} if there are fewer than 2, or one lies outside
 */
export const rescaleZeroTerminalSnr = (betas: ArrayLike<number>): Float64Array => {
  checkBetas(betas);
  const T = betas.length;
  if (T < 2) throw new RangeError(`betas must have at least 2 elements, received ${T}`);
  let product = 1;
  const roots = Float64Array.from(betas, (beta) => Math.sqrt(product *= 1 - beta));
  const first = roots[0];
  const last = roots[T - 1];
  const squares = roots.map((root) => ((root - last) * first / (first - last)) ** 2);
  return squares.map((square, t) => 1 - (t === 0 ? square : square / squares[t - 1]));
};
