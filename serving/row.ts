import { fillNormal } from "../core/noise.ts";
import { applyRow, needsNoise } from "../core/plan.ts";
import type { SamplingTask } from "./task.ts";

/** One image on its way: image `sample` of a task, with the plan's first `step` steps done. */
export interface Row {
  readonly task: SamplingTask;
  readonly sample: number;
  readonly x: Float32Array;
  step: number;
  /** The idea of the final image after the last step. */
  readonly x0: Float32Array;
}

/** Starts image `sample` of a task from its noise x_T of `size` values. */
export const startRow = (task: SamplingTask, sample: number, size: number): Row => ({
  task,
  sample,
  x: fillNormal(new Float32Array(size), { seed: task.seed, sample, step: 0 }),
  step: 0,
  x0: new Float32Array(size),
});

/** The plan's row that comes next. */
export const nextStep = ({ task, step }: Row) => task.plan.rows[step];

/** Whether all steps are done, and `x` is the image. */
export const isFinished = ({ task, step }: Row): boolean => step === task.plan.rows.length;

/** Whether the row asks the network twice a step: with its class and with none. */
export const isGuided = ({ task }: Row): boolean => task.guidance !== 1;

/**
 * Does one step with the network's output for it.
 *
 * @param scratch.z space for the step's noise, of the size of an image
 * @param scratch.channels C of the image
 */
export const advanceRow = (
  row: Row,
  out: Float32Array,
  { z, channels }: { z: Float32Array; channels: number },
): void => {
  const { task, sample, x, x0, step } = row;
  const planned = nextStep(row);
  if (needsNoise(planned)) fillNormal(z, { seed: task.seed, sample, step: step + 1 });
  applyRow(planned, { x, out, x0, z, channels });
  row.step++;
};
