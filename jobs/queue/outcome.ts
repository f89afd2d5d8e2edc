import type { TrainingEvent } from "../events.ts";
import { DIVERGED, REFUSED, TRY_AGAIN } from "../exit_codes.ts";
import type { TrainingExit } from "../launch.ts";
import type { Outcome } from "./claim.ts";

/** Crashes in a row, without a checkpoint between, after which a job has failed. */
export const MOST_FAILURES = 3;

/** The line of stderr that says what went wrong, above the stack; else the last. */
const errorLine = (stderr: string): string => {
  const lines = stderr.trim().split("\n");
  return lines.findLast((line) => /^error\b/i.test(line)) ?? lines.at(-1)!;
};

/** What is known of an attempt when its process has ended. */
export interface Attempt extends TrainingExit {
  /** The last of its events that says how it went: `done`, `stopped` or `error`. */
  readonly last: TrainingEvent | null;
  /** Who asked it to stop: someone who stops the job, or this worker, which ends or is cut off. */
  readonly asked: "person" | "worker" | null;
  /** Crashes since the job's last checkpoint, without this one. */
  readonly failures: number;
}

/** Judges how an attempt ended: for good, or so that the job is to go on. */
export const outcomeOf = ({ code, stderr, last, asked, failures }: Attempt): Outcome => {
  if (code === 0 && last?.event === "done") return { state: "succeeded", exitCode: 0 };
  // 143: it had not come far enough to hear the request.
  const hasStopped = (code === 0 && last?.event === "stopped") || (asked !== null && code === 143);
  if (hasStopped && asked === "person") return { state: "stopped", exitCode: 0 };
  if (hasStopped) return { state: "waiting", after: asked === "worker" ? 0 : 1, failures };
  if (code === TRY_AGAIN) return { state: "waiting", after: 2, failures };
  const said = last?.event === "error" ? last.message : errorLine(stderr);
  const error = said || `the training process ended with code ${code}`;
  if (code === REFUSED || code === DIVERGED || failures >= MOST_FAILURES) {
    return { state: "failed", exitCode: code, error };
  }
  return { state: "waiting", after: 2 ** failures, failures: failures + 1 };
};
