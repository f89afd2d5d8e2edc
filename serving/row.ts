import { fillNormal } from "../core/noise.ts";
import { applyRow, needsNoise, type PlanRow } from "../core/plan.ts";
import { applyRepaint } from "../core/repaint.ts";
import { type Operation, placesOf, type SamplingTask } from "./task.ts";

/** One image on its way: image `index` of a task. */
export interface Row {
  readonly task: SamplingTask;
  readonly index: number;
  readonly x: Float32Array;
  /** The idea of the final image after the last step. */
  readonly x0: Float32Array;
  /** Operations that are done. */
  done: number;
}

/** Space for a step, shared by the rows. */
export interface Scratch {
  /** For the step's noise, of the size of an image. */
  readonly z: Float32Array;
  /** C of the image. */
  readonly channels: number;
}

/** Starts image `index` of a task, from `x` where it is given. */
export const startRow = (task: SamplingTask, index: number, x: Float32Array = task.start(index)): Row => ({
  task,
  index,
  x,
  x0: new Float32Array(x.length),
  done: 0,
});

/** What the network is to be asked next. The row must not be finished. */
export const nextStep = ({ task, done }: Row): PlanRow => task.operations[done].row!;

/** Whether all operations are done, and `x` is the image. */
export const isFinished = ({ task, done }: Row): boolean => done === task.operations.length;

/** Whether the row asks the network twice a step: with its class and with none. */
export const isGuided = ({ task }: Row): boolean => placesOf(task) === 2;

const apply = (row: Row, { row: planned, repaint }: Operation, out: Float32Array, { z, channels }: Scratch): void => {
  const { task: { seed, sampleOf, known }, index, x, x0 } = row;
  if (repaint !== null || needsNoise(planned!)) fillNormal(z, { seed, sample: sampleOf(index), step: row.done + 1 });
  if (repaint === null) applyRow(planned!, { x, out, x0, z, channels });
  else applyRepaint(repaint, planned, { x, out, x0, z, ...known!, channels });
  row.done++;
};

/** Does the row's next operation with the network's output for it, and those after it that need no network. */
export const advanceRow = (row: Row, out: Float32Array, scratch: Scratch): void => {
  const { operations } = row.task;
  apply(row, operations[row.done], out, scratch);
  while (!isFinished(row) && operations[row.done].row === null) apply(row, operations[row.done], row.x, scratch);
};
