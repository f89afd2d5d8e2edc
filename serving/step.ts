import { guide } from "./guide.ts";
import { advanceRow, isGuided, nextStep, type Row } from "./row.ts";

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
export interface StepCost {
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
): StepCost => {
  const { height, width, channels, outChannels } = network;
  const size = height * width * channels, outSize = height * width * outChannels;

  const asked = [...rows, ...rows.filter(isGuided)];
  const x = new Float32Array(asked.length * size);
  asked.forEach((row, i) => x.set(row.x, i * size));
  const timesteps = asked.map((row) => nextStep(row).timestep);
  const classes = asked.map(({ task, index }, i) => i < rows.length ? task.labels?.[index] : nullLabel);
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
  return { rows: asked.length, engine };
};
