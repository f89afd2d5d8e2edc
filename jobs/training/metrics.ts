import { join } from "@std/path";
import { openLines } from "./lines_file.ts";
import type { Timing } from "./timing.ts";

/** What one step leaves in `metrics.jsonl`: a function of the recipe and the step, except for `timing`. */
export interface Metrics {
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
  readonly timing: Timing;
}

/**
 * Opens `metrics.jsonl`, one line a step, for appending; lines from after `step` are dropped first.
 *
 * @throws {DiskError} if it cannot be written
 */
export const openMetrics = async (
  run: string,
  step: number,
): Promise<Disposable & { write(line: Metrics): Promise<void> }> => {
  const keep = (line: string) => {
    try {
      return JSON.parse(line).step <= step;
    } catch {
      return false;
    }
  };
  const lines = await openLines(join(run, "metrics.jsonl"), { keep });
  return {
    write: (line) => lines.write(JSON.stringify(line)),
    [Symbol.dispose]: () => lines[Symbol.dispose](),
  };
};
