import { join } from "@std/path";
import { writeAll, writing } from "../files/durable.ts";

/**
 * The mean loss of the images whose timestep falls into each quarter of 0 … T − 1, the least noisy first; `null` for a
 * quarter without images.
 *
 * @param timesteps each image's t
 * @param losses each image's loss
 * @param T the number of timesteps
 */
export const lossByQuartile = (
  timesteps: ArrayLike<number>,
  losses: ArrayLike<number>,
  T: number,
): (number | null)[] => {
  const sums = [0, 0, 0, 0], counts = [0, 0, 0, 0];
  for (let i = 0; i < timesteps.length; i++) {
    const quarter = Math.floor(4 * timesteps[i] / T);
    sums[quarter] += losses[i];
    counts[quarter]++;
  }
  return sums.map((sum, quarter) => counts[quarter] === 0 ? null : sum / counts[quarter]);
};

/** Steps over which rates are taken. */
const RATE_STEPS = 20;

/** How a run goes on its machine: no part of what it computes. */
export interface StepTiming {
  /** Images a second over the last 20 steps, samples and checkpoints left out. */
  readonly imagesPerSecond: number;
  /** Share of that time, in [0, 1], that was not spent in the compiled step. */
  readonly outsideShare: number;
  /** Bytes of memory that the process holds. */
  readonly memory: number;
}

/** A clock that tells the compiled step's time from the rest. */
export interface StepClock {
  /** Does what is the compiled step, or a part of it. */
  inStep<T>(work: () => T): T;
  /** Ends a step. */
  lap(): StepTiming;
  /** Begins anew, behind what is no part of a step. */
  restart(): void;
}

/**
 * Makes a clock.
 *
 * @param batch images a step
 * @param options.now milliseconds from anywhen
 */
export const createStepClock = (
  batch: number,
  { now = () => performance.now() }: { now?: () => number } = {},
): StepClock => {
  let laps: { at: number; inside: number }[] = [], inside = 0;
  const restart = () => {
    inside = 0;
    laps = [{ at: now(), inside }];
  };
  restart();
  return {
    inStep: (work) => {
      const started = now();
      try {
        return work();
      } finally {
        inside += now() - started;
      }
    },
    lap: () => {
      laps.push({ at: now(), inside });
      if (laps.length > RATE_STEPS + 1) laps.shift();
      const first = laps[0], last = laps.at(-1)!;
      const elapsed = Math.max(last.at - first.at, Number.MIN_VALUE);
      return {
        imagesPerSecond: batch * (laps.length - 1) / (elapsed / 1000),
        outsideShare: Math.max(0, 1 - (last.inside - first.inside) / elapsed),
        memory: Deno.memoryUsage().rss,
      };
    },
    restart,
  };
};

/** A file of lines that grows at its end. */
export interface LinesFile extends Disposable {
  /**
   * Appends a line.
   *
   * @throws {DiskError} if the system refuses
   */
  write(line: string): Promise<void>;
}

const NEWLINE = 10;

/** Bytes of the whole lines, from the first on, that are kept. */
const retainedLength = (bytes: Uint8Array, isRetained: (line: string) => boolean): number => {
  const decoder = new TextDecoder();
  for (let start = 0;;) {
    const end = bytes.indexOf(NEWLINE, start);
    if (end < 0 || !isRetained(decoder.decode(bytes.subarray(start, end)))) return start;
    start = end + 1;
  }
};

/**
 * Opens a file of lines for appending. It ends before the first line that is not to be kept or not whole: what is behind
 * it is cut off at once, so that nothing before it can be lost on the way.
 *
 * @throws {DiskError} if the system refuses
 */
export const openLines = (
  path: string,
  { isRetained }: { isRetained: (line: string) => boolean },
): Promise<LinesFile> =>
  writing(path, () => {
    const file = Deno.openSync(path, { read: true, append: true, create: true });
    try {
      const bytes = Deno.readFileSync(path), length = retainedLength(bytes, isRetained);
      if (length < bytes.length) file.truncateSync(length);
    } catch (error) {
      file.close();
      throw error;
    }
    const encoder = new TextEncoder();
    const write = (line: string) =>
      writing(path, () => {
        writeAll(file, encoder.encode(`${line}\n`));
      });
    return { write, [Symbol.dispose]: () => file.close() };
  });

/** What one step leaves in `metrics.jsonl`: a function of the recipe and the step, except for `timing`. */
export interface StepMetrics {
  /** Counted from 1. */
  readonly step: number;
  /** What was minimized: the weighted loss over the batch. */
  readonly loss: number;
  /** Mean squared error, not weighted, of the images in each quarter of the timesteps; `null` without any. */
  readonly lossByQuartile: readonly (number | null)[];
  /** A running estimate of the variational bound (`createBoundEstimate`); `null` until there is one. */
  readonly bitsPerDim: number | null;
  /** Norm of the gradient before clipping. */
  readonly gradientNorm: number;
  readonly learningRate: number;
  readonly timing: StepTiming;
}

/**
 * Opens `metrics.jsonl`, one line a step, for appending; lines from after `step` are dropped first.
 *
 * @throws {DiskError} if it cannot be written
 */
export const openMetrics = async (
  run: string,
  step: number,
): Promise<Disposable & { write(line: StepMetrics): Promise<void> }> => {
  const isRetained = (line: string) => {
    try {
      return JSON.parse(line).step <= step;
    } catch {
      return false;
    }
  };
  const lines = await openLines(join(run, "metrics.jsonl"), { isRetained });
  return {
    write: (line) => lines.write(JSON.stringify(line)),
    [Symbol.dispose]: () => lines[Symbol.dispose](),
  };
};
