import { countNonFinite } from "../core/check.ts";
import { fillNormal, noiseStepOf } from "../core/noise.ts";
import { applyRow, needsNoise, type PlanRow } from "../core/plan.ts";
import { applyRepaint } from "../core/repaint.ts";
import { rowsPerImage, type SamplingTask, type TaskOperation } from "./compile.ts";
import { NonFiniteImageError } from "./errors.ts";

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
const nextStep = ({ task, done }: Row): PlanRow => task.operations[done].row!;

/** Whether all operations are done, and `x` is the image. */
export const isFinished = ({ task, done }: Row): boolean => done === task.operations.length;

/**
 * Checks that what a row's steps have made of it is finite. Where it is not, no later step mends it, and the network's
 * answer at its last step was not either.
 *
 * @throws {NonFiniteImageError} that names the image, the step and the timestep
 */
export const checkFinite = ({ task: { operations, steps }, index, x, done }: Row): void => {
  const count = countNonFinite(x);
  if (count === 0) return;
  const asked = operations.slice(0, done).flatMap(({ row }) => row === null ? [] : [row.timestep]);
  throw new NonFiniteImageError(
    `image ${index} cannot be drawn: ${count} of its ${x.length} values are not finite after step ${asked.length} of ` +
      `${steps}, at timestep ${asked.at(-1)}; the network answers NaN or numbers that are too large`,
  );
};

/** Whether the row asks the network twice a step: with its class and with none. */
const isGuided = ({ task }: Row): boolean => rowsPerImage(task) === 2;

const apply = (
  row: Row,
  { row: planned, repaint }: TaskOperation,
  out: Float32Array,
  { z, channels }: Scratch,
): void => {
  const { task: { seed, sampleOf, known }, index, x, x0 } = row;
  if (repaint !== null || needsNoise(planned!)) {
    fillNormal(z, { seed, sample: sampleOf(index), step: noiseStepOf(row.done) });
  }
  if (repaint === null) applyRow(planned!, { x, out, x0, z, channels });
  else applyRepaint(repaint, planned, { x, out, x0, z, ...known!, channels });
  row.done++;
};

/** Does the row's next operation with the network's output for it, and those after it that need no network. */
const advanceRow = (row: Row, out: Float32Array, scratch: Scratch): void => {
  const { operations } = row.task;
  apply(row, operations[row.done], out, scratch);
  while (!isFinished(row) && operations[row.done].row === null) apply(row, operations[row.done], row.x, scratch);
};

/**
 * Classifier-free guidance (Ho & Salimans 2022, eq. 6, with diffusers' scale s = 1 + w):
 * `uncond + s·(cond − uncond)` for the prediction; a learned variance, in the channels after it, is `cond`'s.
 *
 * @param out receives the result, H·W·outChannels values; all three are NHWC
 */
export const guide = (
  out: Float32Array,
  cond: Float32Array,
  uncond: Float32Array,
  { scale, channels, outChannels }: { scale: number; channels: number; outChannels: number },
): void => {
  out.set(cond);
  for (let pixel = 0; pixel < out.length; pixel += outChannels) {
    for (let i = pixel; i < pixel + channels; i++) out[i] = uncond[i] + scale * (cond[i] - uncond[i]);
  }
};

/** The network, as far as sampling needs it: synchronous, NHWC, values in [-1, 1]. */
export interface Network {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  /** Channels of the output: twice `channels` when the variance is learned. */
  readonly outChannels: number;
  /** Evaluates n rows at once: n·H·W·channels values in, n·H·W·outChannels out. */
  evaluate(x: Float32Array, timesteps: ArrayLike<number>, labels: ArrayLike<number> | null): Float32Array;
}

/** What a step took. */
export interface NetworkCost {
  /** Rows that the network was asked for. */
  readonly rows: number;
  /** Milliseconds of the network call. */
  readonly engine: number;
}

/**
 * Moves every row one step on, with one network call for all, whatever their samplers, steps and classes.
 *
 * The call holds all rows with their classes, then the guided ones again with none.
 *
 * @param options.nullLabel label of "no class" in the network's embedding
 * @param options.now a clock of milliseconds
 */
export const stepRows = (
  network: Network,
  rows: readonly Row[],
  { nullLabel, now = () => performance.now() }: { nullLabel: number | null; now?: () => number },
): NetworkCost => {
  const { height, width, channels, outChannels } = network;
  const size = height * width * channels, outSize = height * width * outChannels;

  const inputRows = [...rows, ...rows.filter(isGuided)];
  const x = new Float32Array(inputRows.length * size);
  inputRows.forEach((row, i) => x.set(row.x, i * size));
  const timesteps = inputRows.map((row) => nextStep(row).timestep);
  const classes = inputRows.map(({ task, index }, i) => i < rows.length ? task.labels?.[index] : nullLabel);
  const hasClasses = rows.some(({ task }) => task.labels !== null);
  const started = now();
  const out = network.evaluate(x, timesteps, hasClasses ? classes as number[] : null);
  const engine = now() - started;

  const outOf = (i: number) => out.subarray(i * outSize, (i + 1) * outSize);
  const scratch = { z: new Float32Array(size), channels };
  const guided = new Float32Array(outSize);
  let uncond = rows.length;
  rows.forEach((row, i) => {
    const own = outOf(i);
    if (!isGuided(row)) return advanceRow(row, own, scratch);
    guide(guided, own, outOf(uncond++), { scale: row.task.guidance, channels, outChannels });
    advanceRow(row, guided, scratch);
  });
  return { rows: inputRows.length, engine };
};

/** How rows are denoised where there is no scheduler: in one program, which waits for them. */
export interface DenoiseOptions {
  /** Label of "no class" in the network's embedding. */
  readonly nullLabel: number | null;
  /** Rows of one network call; all of them by default. A row's image does not depend on it. */
  readonly batch?: number;
  readonly signal?: AbortSignal;
  /** Called after each step with the rows that it moved. */
  readonly onStep?: (rows: readonly Row[]) => void;
}

// Signals arrive only between two tasks of the event loop, and the network never leaves it to one.
const listen = () => new Promise<void>((resume) => setTimeout(resume, 0));

/**
 * Takes rows to their images, in place: `batch` at a time, a row that is finished making room for the next. They may be
 * of different tasks, with other samplers and numbers of steps.
 *
 * @throws {NonFiniteImageError} if a row's values are not finite after a step
 * @throws the signal's reason, before the next step
 */
export const denoise = async (
  network: Network,
  rows: readonly Row[],
  { nullLabel, batch = Math.max(1, rows.length), signal, onStep }: DenoiseOptions,
): Promise<void> => {
  const waiting = rows.filter((row) => !isFinished(row));
  let live = waiting.splice(0, batch);
  while (live.length > 0) {
    await listen();
    signal?.throwIfAborted();
    stepRows(network, live, { nullLabel });
    live.forEach(checkFinite);
    onStep?.(live);
    live = live.filter((row) => !isFinished(row));
    live.push(...waiting.splice(0, batch - live.length));
  }
};
