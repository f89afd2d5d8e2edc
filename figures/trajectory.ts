import type { SamplingTask } from "../sampling/compile.ts";
import { type Row, startRow } from "../sampling/denoise.ts";

/** A moment of sampling. */
export interface Moment {
  /** The timestep that the network was asked for, as the paper counts them; 0 at the end. */
  readonly t: number;
  /** x_t. */
  readonly x: Float32Array;
  /** x̂_0, what the network made of it; null at the end, where it is not asked. */
  readonly x0: Float32Array | null;
}

/** An image on its way, with what is to be kept of it. */
export interface WatchedRow {
  readonly row: Row;
  /** To be called after each step of the row. */
  record(): void;
  /** What was kept, in the order of time, once the row is finished. */
  readonly moments: readonly Moment[];
}

/** The timestep of each state of an image on its way, as the paper counts them: those that are visited, and 0. */
export const visitedTimesteps = ({ operations }: SamplingTask): number[] => [
  ...operations.map(({ row }) => row!.timestep + 1),
  0,
];

/** Of each timestep that is wanted the index of the nearest that is visited, in the order of time, none twice. */
export const nearestVisited = (visited: readonly number[], wanted: readonly number[]): number[] => {
  const indices = wanted.map((t) => {
    const distances = visited.map((other) => Math.abs(other - t));
    return distances.indexOf(Math.min(...distances));
  });
  return [...new Set(indices)].sort((a, b) => a - b);
};

/**
 * Starts image `index` of a task, and keeps its states at some indices of `visitedTimesteps`.
 *
 * @param indices ascending
 */
export const watchRow = (task: SamplingTask, index: number, indices: readonly number[]): WatchedRow => {
  const row = startRow(task, index);
  const visited = visitedTimesteps(task);
  const states = new Map<number, { x: Float32Array; x0: Float32Array | null }>();
  const record = () => {
    const before = states.get(row.done - 1);
    if (before) before.x0 = row.x0.slice();
    if (indices.includes(row.done)) states.set(row.done, { x: row.x.slice(), x0: null });
  };
  record();
  return {
    row,
    record,
    get moments() {
      return [...states].map(([i, state]) => ({ t: visited[i], ...state }));
    },
  };
};
