import {
  createLossHistory,
  drawTimesteps,
  type LossHistory,
  recordLosses,
  timestepProbabilities,
  uniform,
} from "../core/mod.ts";
import type { TimestepSampling } from "./choices.ts";
import { TRAINING_DOMAINS } from "./micro_batch.ts";

/** A batch's timesteps. */
export interface TimestepDraw {
  readonly timesteps: Int32Array<ArrayBuffer>;
  /** By which each image's loss is weighted, 1 / (T·p_t), so that its expectation does not depend on how t is drawn. */
  readonly weights: Float64Array;
}

/** Draws timesteps; a function of (seed, step), and of the losses so far where it goes by them. */
export interface TimestepSampler {
  draw(step: number, count: number): TimestepDraw;
  /** Takes note of each image's loss, before weighting. */
  record(timesteps: Int32Array, losses: ArrayLike<number>): void;
}

const HISTORY_NAMES = { losses: "lossHistory", counts: "lossCounts" } as const;

/** The history that a state's numbers hold, made there if it is not. */
const historyIn = (numbers: Record<string, Float64Array>, timesteps: number): LossHistory => {
  const { losses, counts } = createLossHistory(timesteps);
  return { losses: numbers[HISTORY_NAMES.losses] ??= losses, counts: numbers[HISTORY_NAMES.counts] ??= counts };
};

/**
 * Makes a sampler of timesteps.
 *
 * @param options.numbers those of the training state, in which importance sampling keeps its history
 */
export const createTimestepSampler = (
  { sampling, timesteps: T, seed, numbers }: {
    sampling: TimestepSampling;
    timesteps: number;
    seed: number;
    numbers: Record<string, Float64Array>;
  },
): TimestepSampler => {
  const drawsOf = (step: number, count: number) =>
    Float64Array.from({ length: count }, (_, i) => uniform(seed, i, step, 0, TRAINING_DOMAINS.timesteps));
  if (sampling === "importance") {
    const history = historyIn(numbers, T);
    return {
      draw: (step, count) => {
        const probabilities = timestepProbabilities(history);
        const timesteps = drawTimesteps(probabilities, drawsOf(step, count));
        return { timesteps, weights: Float64Array.from(timesteps, (t) => 1 / (T * probabilities[t])) };
      },
      record: (timesteps, losses) => recordLosses(history, timesteps, losses),
    };
  }
  const fractionOf = sampling === "stratified"
    ? (draw: number, i: number, count: number) => (i + draw) / count
    : (draw: number) => draw;
  return {
    draw: (step, count) => ({
      timesteps: Int32Array.from(drawsOf(step, count), (draw, i) => Math.floor(fractionOf(draw, i, count) * T)),
      weights: new Float64Array(count).fill(1),
    }),
    record: () => {},
  };
};
