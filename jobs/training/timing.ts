/** Steps over which rates are taken. */
const STEPS = 20;

/** How a run goes on its machine: no part of what it computes. */
export interface Timing {
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
  lap(): Timing;
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
      if (laps.length > STEPS + 1) laps.shift();
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
