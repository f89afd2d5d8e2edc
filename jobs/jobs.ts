/**
 * Jobs: trainings that others ask for, each a process of its own. This file says what a job is and what may be done with
 * it; `launch.ts` starts the process under its narrow permissions, `queue/` stores jobs in a database and runs them by
 * turns, `lease/` stops a process whose worker has lost it, `storage/` has run folders where another machine finds them.
 *
 * Training itself is not here: `deno task train` is no job.
 *
 * @module
 */
import type { TrainingEvent } from "../training/events.ts";

/** Values of a command's options, by their camelCase names. */
export type OptionValues = Readonly<Record<string, string | number | boolean | null | (string | number)[]>>;

/** What the name of a job is, which is a folder's below the runs root as well. */
export const JOB_ID = /^[a-z0-9][a-z0-9_-]{0,63}$/;

/** What a job is doing: it waits, runs, was canceled and writes its checkpoint, or has ended in one of three ways. */
export const JOB_STATES = ["queued", "running", "canceling", "succeeded", "failed", "canceled"] as const;

/** One of {@linkcode JOB_STATES}. */
export type JobState = (typeof JOB_STATES)[number];

/** What is known of a job, at the moment it was asked for. */
export interface Job {
  readonly id: string;
  /** Its run folder, below the runs root: `runs/<id>`. */
  readonly run: string;
  readonly options: OptionValues;
  readonly state: JobState;
  /** How often it was started; 0 before the first time. */
  readonly attempt: number;
  /** Who runs it or ran it last; null before the first time. */
  readonly worker: string | null;
  /** ISO 8601, as the two below. */
  readonly createdAt: string;
  /** When it was last started; null before the first time. */
  readonly startedAt: string | null;
  /** null while it has not ended. */
  readonly endedAt: string | null;
  readonly step: number;
  readonly steps: number | null;
  readonly loss: number | null;
  readonly imagesPerSecond: number | null;
  readonly secondsLeft: number | null;
  /** Folder of the last checkpoint. */
  readonly checkpoint: string | null;
  readonly exitCode: number | null;
  readonly error: string | null;
}

/** Whether a job has ended, so that nothing more happens to it unless it is resumed. */
export const hasEnded = ({ state }: Pick<Job, "state">): boolean =>
  state === "succeeded" || state === "failed" || state === "canceled";

/** There is a job or a run folder of that name. */
export class JobExistsError extends Error {
  override name = "JobExistsError";
}

/** There is no job of that id. */
export class JobMissingError extends Error {
  override name = "JobMissingError";
}

/** A job in this state cannot do what was asked, as to go on while it runs. */
export class JobStateError extends Error {
  override name = "JobStateError";
}

/** The queue cannot be had now: its folder is another server's or damaged, or its database does not answer or refuses. */
export class JobsUnavailableError extends Error {
  override name = "JobsUnavailableError";
}

/** Something that happened to a job, with its number: 1 for the job's first, rising, with gaps where old ones were dropped. */
export interface JobEvent {
  readonly id: number;
  readonly event: TrainingEvent;
}

/** A line that a job's process printed, with its number. */
export interface JobLine {
  readonly id: number;
  readonly line: string;
}

/** Which jobs to list. */
export interface ListOptions {
  /** The most to answer. */
  readonly limit?: number;
  /** Id of the job after which to begin. */
  readonly after?: string;
  /** Only those that are in one of these states. */
  readonly states?: readonly JobState[];
}

/** From where to follow a job, and until when. */
export interface FollowOptions {
  /** Number of the last one that is known already; 0 by default. */
  readonly after?: number;
  /** Ends the iteration, without an error. */
  readonly signal?: AbortSignal;
}

/** How to end a process's share of the jobs. */
export interface CloseOptions {
  /** Milliseconds that its jobs have to write their checkpoints; then they are killed. @default 20_000 */
  readonly grace?: number;
  /** Hears what is waited for, and for how long. */
  readonly say?: (message: string) => void;
}

/** Training jobs. All methods may reject with a {@linkcode JobsUnavailableError}. */
export interface Jobs {
  /**
   * Adds a job, which starts when a worker is free for it.
   *
   * @param options of `train`, already validated
   * @param name of the job and its folder under runs/; made up if absent
   * @throws {JobExistsError} if the name is taken
   */
  add(options: OptionValues, name?: string): Promise<Job>;
  get(id: string): Promise<Job | undefined>;
  /** Jobs in order of arrival. */
  list(options?: ListOptions): Promise<Job[]>;
  /**
   * Cancels a job: a running one writes a checkpoint first. One that has ended stays as it is.
   *
   * @throws {JobMissingError} if there is none
   */
  cancel(id: string): Promise<Job>;
  /**
   * Lets a job that has ended go on from its last checkpoint, or from the start if it has none.
   *
   * @param options.steps moves its end; needed if it has succeeded
   * @throws {JobMissingError} if there is none
   * @throws {JobStateError} if it has not ended, or has succeeded and is given no more steps
   */
  resume(id: string, options?: { steps?: number }): Promise<Job>;
  /**
   * What happened to a job, then what happens, until it has ended.
   *
   * @param options.follow go on until the job has ended, as by default; otherwise what has happened already
   * @throws {JobMissingError} if there is none
   */
  events(id: string, options?: FollowOptions & { follow?: boolean }): AsyncIterable<JobEvent>;
  /**
   * What a job's process printed beside its events.
   *
   * @param options.follow go on until the job has ended; otherwise what is there already
   * @throws {JobMissingError} if there is none
   */
  logs(id: string, options?: FollowOptions & { follow?: boolean }): AsyncIterable<JobLine>;
  /** Ends this process's share: what runs here writes a checkpoint. */
  close(options?: CloseOptions): Promise<void>;
}
