import { checkInteger } from "./check.ts";

/** Losses of each t that are remembered (Nichol & Dhariwal 2021, section 3.3). */
const LOSS_HISTORY = 10;

/** Share of the draws that stay uniform, so that no t is ever forgotten (improved-diffusion's `uniform_prob`). */
const UNIFORM_SHARE = 0.001;

/** The last losses of every timestep: what importance sampling goes by. */
export interface LossHistory {
  /** [T, LOSS_HISTORY], the oldest of each t first. */
  readonly losses: Float64Array;
  /** [T], how many losses of each t are there yet. */
  readonly counts: Float64Array;
}

/** The history before the first step. */
export const createLossHistory = (timesteps: number): LossHistory => {
  checkInteger("timesteps", timesteps, 1);
  return { losses: new Float64Array(timesteps * LOSS_HISTORY), counts: new Float64Array(timesteps) };
};

/** Enters the losses of a step's images, in their order; each pushes out its timestep's oldest. */
export const recordLosses = (
  { losses, counts }: LossHistory,
  timesteps: ArrayLike<number>,
  received: ArrayLike<number>,
): void => {
  for (let i = 0; i < timesteps.length; i++) {
    const t = checkInteger(`timesteps[${i}]`, timesteps[i], 0, counts.length - 1);
    const from = t * LOSS_HISTORY;
    if (counts[t] === LOSS_HISTORY) losses.copyWithin(from, from + 1, from + LOSS_HISTORY);
    else counts[t]++;
    losses[from + counts[t] - 1] = received[i];
  }
};

/**
 * The probability p_t ∝ √E[L_t²] with which each timestep is drawn (Nichol & Dhariwal 2021, eq. 18), a thousandth of it
 * uniform; uniform altogether until every timestep has its ten losses.
 *
 * A loss that was drawn so is to be weighted by 1 / (T·p_t), which leaves its expectation what uniform draws have.
 *
 * @returns T probabilities, their sum 1
 */
export const timestepProbabilities = ({ losses, counts }: LossHistory): Float64Array => {
  const T = counts.length;
  if (counts.some((count) => count < LOSS_HISTORY)) return new Float64Array(T).fill(1 / T);
  const roots = Float64Array.from({ length: T }, (_, t) => {
    let sum = 0;
    for (let i = t * LOSS_HISTORY; i < (t + 1) * LOSS_HISTORY; i++) sum += losses[i] ** 2;
    return Math.sqrt(sum / LOSS_HISTORY);
  });
  const total = roots.reduce((sum, root) => sum + root, 0);
  // Where nothing is lost anywhere, every timestep is as good.
  if (total === 0) return roots.fill(1 / T);
  return roots.map((root) => root / total * (1 - UNIFORM_SHARE) + UNIFORM_SHARE / T);
};

/**
 * The timesteps that uniform draws stand for, where t has probability p_t: the least t whose cumulated probability exceeds
 * the draw.
 *
 * @param draws in [0, 1)
 */
export const drawTimesteps = (
  probabilities: Float64Array,
  draws: ArrayLike<number>,
): Int32Array<ArrayBuffer> => {
  let sum = 0;
  const cumulated = probabilities.map((p) => sum += p);
  const last = probabilities.length - 1;
  return Int32Array.from(draws, (draw) => {
    let low = 0, high = last;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (cumulated[middle] > draw) high = middle;
      else low = middle + 1;
    }
    return low;
  });
};
