import type { Job, JobState } from "../jobs.ts";
import type { OptionValues } from "../launch.ts";

/** A row of `denoise.jobs`, as {@linkcode COLUMNS} reads it. */
export interface JobRow {
  readonly id: string;
  readonly options: OptionValues;
  readonly state: JobState;
  readonly attempt: number;
  readonly failures: number;
  readonly worker: string | null;
  readonly progress: Progress;
  readonly created: Date;
  readonly started: Date | null;
  readonly ended: Date | null;
}

/** What a job's events say of it, kept as it comes. */
export type Progress = Partial<
  Pick<
    Job,
    "step" | "steps" | "loss" | "imagesPerSecond" | "secondsLeft" | "checkpoint" | "exitCode" | "error"
  >
>;

/** The columns of {@linkcode JobRow}. */
export const COLUMNS = "id, options, state, attempt, failures, worker, progress, created, started, ended";

/** Folder of a job's run, as others see it. */
export const runOf = (id: string): string => `runs/${id}`;

/** Reads a row as a job. */
export const jobOf = ({ id, options, state, attempt, worker, progress, created, started, ended }: JobRow): Job => ({
  id,
  run: runOf(id),
  options,
  state,
  attempt,
  worker,
  createdAt: created.toISOString(),
  startedAt: started?.toISOString() ?? null,
  endedAt: ended?.toISOString() ?? null,
  step: 0,
  steps: null,
  loss: null,
  imagesPerSecond: null,
  secondsLeft: null,
  checkpoint: null,
  exitCode: null,
  error: null,
  ...progress,
});
