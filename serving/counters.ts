import type { BatchReport } from "./protocol.ts";
import type { ModelStats } from "./serving.ts";

/** How a request can end. */
export type Ending = "finished" | "aborted" | "expired" | "failed" | "refused";

/** Counts what a model does. */
export interface Counters {
  /** Images that are asked for and not done. */
  readonly pending: number;
  readonly stats: ModelStats;
  /** Takes note of a request of n images. */
  begin(n: number): void;
  /** Takes note that it ended; a refused one never began. */
  end(n: number, how: Ending): void;
  /** Takes note of a network call of one of the models that have had the name. */
  batch(report: BatchReport): void;
  /** Takes note that the model of this key is gone. */
  forget(key: number): void;
  /** Takes note that the Worker is gone, and what had begun is to begin anew. */
  restart(): void;
  /** Seconds after which n images more may well find room, going by the calls so far; in [1, 3600]. */
  retryAfter(n: number): number;
}

/** Starts to count, at 0. */
export const createCounters = (
  { model, capacity, queue }: { model: string; capacity: number; queue: number },
): Counters => {
  const total = { batches: 0, rows: 0, padding: 0, seconds: 0, engineSeconds: 0 };
  const ended = { finished: 0, aborted: 0, expired: 0, failed: 0, refused: 0 };
  /** Of each model of the name, by its key: one that was replaced ends what it has begun. */
  const loads = new Map<number, { live: number; left: number }>();
  const sum = (part: "live" | "left") => loads.values().reduce((total, load) => total + load[part], 0);
  let pending = 0;

  return {
    get pending() {
      return pending;
    },
    get stats() {
      const begun = Math.min(sum("live"), pending);
      return { model, live: begun, waiting: pending - begun, capacity, queue, ...total, ...ended };
    },
    begin: (n) => {
      pending += n;
    },
    end: (n, how) => {
      if (how !== "refused") pending -= n;
      ended[how]++;
    },
    batch: (report) => {
      loads.set(report.model, { live: report.live, left: report.left });
      total.batches++;
      total.rows += report.rows;
      total.padding += report.bucket - report.rows;
      total.seconds += report.time / 1000;
      total.engineSeconds += report.engine / 1000;
    },
    forget: (key) => void loads.delete(key),
    restart: () => {
      for (const load of loads.values()) load.live = 0;
    },
    retryAfter: (n) => {
      if (total.rows === 0 || pending === 0) return 1;
      const secondsLeft = sum("left") * total.seconds / total.rows;
      return Math.min(3600, Math.max(1, Math.ceil(secondsLeft * (pending + n - queue) / pending)));
    },
  };
};
