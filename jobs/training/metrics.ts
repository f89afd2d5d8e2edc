import { join } from "@std/path";
import { openLines } from "./lines_file.ts";

/** What one step leaves in `metrics.jsonl`. */
export interface Metrics {
  /** Counted from 1. */
  readonly step: number;
  readonly loss: number;
  /** Norm of the gradient before clipping. */
  readonly gradientNorm: number;
  readonly learningRate: number;
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
