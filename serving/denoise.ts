import { isFinished, type Row } from "./row.ts";
import { type Network, stepRows } from "./step.ts";

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

// Signals are heard only between two tasks of the event loop, and the network never leaves it to one.
const listen = () => new Promise<void>((resume) => setTimeout(resume, 0));

/**
 * Takes rows to their images, in place: `batch` at a time, a row that is finished making room for the next. They may be
 * of different tasks, with other samplers and numbers of steps.
 *
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
    onStep?.(live);
    live = live.filter((row) => !isFinished(row));
    live.push(...waiting.splice(0, batch - live.length));
  }
};
