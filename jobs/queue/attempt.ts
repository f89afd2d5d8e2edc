import { join } from "@std/path";
import { exists, unlessMissing } from "../../files/exists.ts";
import { DatasetError } from "../../datasets/dataset.ts";
import { ParameterError } from "../../sampling/errors.ts";
import { DIVERGED, REFUSED, TRY_AGAIN } from "../../training/errors.ts";
import type { TrainingEvent } from "../../training/events.ts";
import { machineLimits, type NeedLimits } from "../../training/needs.ts";
import type { launchTraining, TrainingExit, TrainingProcess } from "../launch.ts";
import { type RunStorage, StorageConflictError } from "../storage/storage.ts";
import type { Watch } from "./changes.ts";
import { type Claim, keepClaim, LEASE, type Outcome, settleClaim } from "./claim.ts";
import type { Database } from "./database.ts";
import { createRecorder, type Recorder } from "./entries.ts";
import { findInputs, trainArguments } from "./inputs.ts";
import { runOf } from "./job_table.ts";

/** Crashes in a row, without a checkpoint between, after which a job has failed. */
const MOST_FAILURES = 3;

/** The line of stderr that says what went wrong, above the stack; else the last. */
const errorLine = (stderr: string): string => {
  const lines = stderr.trim().split("\n");
  return lines.findLast((line) => /^error\b/i.test(line)) ?? lines.at(-1)!;
};

/** What is known of an attempt when its process has ended. */
export interface EndedAttempt extends TrainingExit {
  /** The last of its events that says how it went: `done`, `stopped` or `error`. */
  readonly last: TrainingEvent | null;
  /** Who asked it to stop: someone who cancels the job, or this worker, which ends or is cut off. */
  readonly stoppedBy: "person" | "worker" | null;
  /** Crashes since the job's last checkpoint, without this one. */
  readonly failures: number;
}

/** What is said of a job whose process did not stop. */
const NOT_STOPPED = "it did not stop in time and was killed; it can go on from its last checkpoint";

/** Judges how an attempt ended: for good, or so that the job is to go on. */
export const outcomeOf = ({ code, stderr, isKilled, last, stoppedBy, failures }: EndedAttempt): Outcome => {
  if (code === 0 && last?.event === "done") return { state: "succeeded", exitCode: 0 };
  if (isKilled && stoppedBy === "person") return { state: "canceled", exitCode: code, error: NOT_STOPPED };
  if (isKilled && stoppedBy === "worker") return { state: "queued", after: 0, failures };
  // 143: it had not come far enough to receive the request.
  const hasStopped = (code === 0 && last?.event === "stopped") || (stoppedBy !== null && code === 143);
  if (hasStopped && stoppedBy === "person") return { state: "canceled", exitCode: 0 };
  if (hasStopped) return { state: "queued", after: stoppedBy === "worker" ? 0 : 1, failures };
  if (code === TRY_AGAIN) return { state: "queued", after: 2, failures };
  const said = last?.event === "error" ? last.message : errorLine(stderr);
  const error = said || `the training process ended with code ${code}`;
  if (code === REFUSED || code === DIVERGED || failures >= MOST_FAILURES) {
    return { state: "failed", exitCode: code, error };
  }
  return { state: "queued", after: 2 ** failures, failures: failures + 1 };
};

/** Events after which a run's folder holds something new to keep. */
const CHANGES: readonly TrainingEvent["event"][] = ["start", "checkpoint", "sample"];

/**
 * Makes what puts a run's folder into the storage, one time after the other, as long as the job is this worker's.
 *
 * @param lost aborts when it is another's, which the storage may be the first to say
 * @param say called with what goes wrong; the run goes on
 * @returns resolves when all that there was to put is there
 */
const createPush = (
  storage: RunStorage,
  run: string,
  lost: AbortController,
  say: (message: string) => void,
): () => Promise<void> => {
  let pushed: Promise<void> = Promise.resolve();
  return () =>
    pushed = pushed.then(() => lost.signal.aborted ? undefined : storage.push(run)).catch((error) => {
      say(error.message);
      if (error instanceof StorageConflictError) lost.abort();
    });
};

/** The folder of a run, with all that it held, is not there any more. */
class RunMissingError extends Error {
  constructor(id: string) {
    super(`${runOf(id)} with its checkpoints is gone: put it back and resume this job, or ask for another`);
  }
}

/** What a folder is, whatever its name; it is another once it was removed and made anew. */
const identityOf = async (folder: string): Promise<string | null> => {
  const info = await unlessMissing(Deno.stat(folder));
  return info && `${info.dev} ${info.ino}`;
};

/** An event whose paths are as others know them, wherever runs lie here. */
const withSharedPaths = (event: TrainingEvent, run: string, id: string): TrainingEvent =>
  JSON.parse(
    JSON.stringify(event),
    (_, value) =>
      typeof value === "string" && `${value}/`.startsWith(`${run}/`) ? runOf(id) + value.slice(run.length) : value,
  );

/** Where attempts run, and with what. */
export interface AttemptSettings {
  /** The folder of runs on this machine. */
  readonly runs: string;
  readonly storage: RunStorage;
  readonly launch: typeof launchTraining;
  /** TensorFlow's library, or a folder that holds it. */
  readonly tensorflow?: string;
  /** Engine of a job that names none. */
  readonly engine?: string;
  /** What a job may take; what is not said is the machine's. */
  readonly limits?: Partial<NeedLimits>;
  /** Milliseconds that a process may take to stop, with its checkpoint, before it is killed. */
  readonly grace?: number;
  /** Aborts when the worker ends: the process writes its checkpoint, and the job goes on elsewhere. */
  readonly ending: AbortSignal;
  /** Aborts when it has to end at once. */
  readonly killing: AbortSignal;
  readonly warn: (message: string) => void;
}

/** How an attempt ends that is stopped before it has a process: as a process that had not come far. */
const STOPPED_EARLY: TrainingExit = { code: 143, stderr: "", isKilled: false };

/** Runs the process; answers its outcome, or null if the job became another's meanwhile. */
const runProcess = async (
  database: Database,
  watch: Watch,
  claim: Claim,
  recorder: Recorder,
  lost: AbortController,
  { touch, ...settings }: AttemptSettings & { touch: () => Promise<unknown> },
  until: number,
): Promise<Outcome | null> => {
  const { runs, storage, launch, tensorflow, engine, limits, grace, ending, killing, warn } = settings;
  const run = join(runs, claim.id);
  const { failures: before } = claim;
  const say = (message: string) => {
    recorder.onLine(message);
    warn(`${claim.id}: ${message}`);
  };
  const over = new AbortController();
  let process: TrainingProcess | null = null;
  let stoppedBy: "person" | "worker" | null = null;
  let last: TrainingEvent | null = null;
  let failures = before;
  let folder: string | null = null;
  /** Its process would make it anew at the next checkpoint, without what came before. */
  const isGone = async () => await identityOf(run) !== folder;
  const preparing = new AbortController();
  const stop = (who: "person" | "worker") => {
    stoppedBy ??= who;
    process?.stop();
    preparing.abort();
  };
  const once = { once: true, signal: over.signal };
  lost.signal.addEventListener("abort", () => process?.kill(), once);
  ending.addEventListener("abort", () => stop("worker"), once);
  killing.addEventListener("abort", () => process?.kill(), once);
  if (ending.aborted) stop("worker");
  const keeping = keepClaim(database, watch, claim, {
    renew: async (time) => {
      until = time;
      process?.renew(time);
      if (process !== null && await isGone().catch(() => false)) process?.kill();
    },
    onCancel: () => stop("person"),
    onCutOff: () => stop("worker"),
    onLost: () => lost.abort(),
  }, { until, touch, over: over.signal });

  const push = createPush(storage, run, lost, say);
  const onEvent = (event: TrainingEvent) => {
    if (event.event === "checkpoint") failures = 0;
    if (event.event === "done" || event.event === "stopped" || event.event === "error") last = event;
    recorder.onEvent(withSharedPaths(event, run, claim.id));
    if (CHANGES.includes(event.event)) push();
  };

  try {
    await storage.fetch(run, { claim: true });
    if (claim.checkpoint !== null && !await exists(join(run, "config.json"))) throw new RunMissingError(claim.id);
    await Deno.mkdir(run, { recursive: true });
    folder = await identityOf(run);
    const { options, read } = await findInputs(run, { ...(engine ? { engine } : {}), ...claim.options }, {
      runs,
      limits: await machineLimits(runs, limits),
      tensorflow,
      grace,
      signal: AbortSignal.any([preparing.signal, lost.signal]),
      onProgress: recorder.onEvent,
    });
    const line = await trainArguments(run, options);
    if (lost.signal.aborted) return null;
    if (stoppedBy !== null) return outcomeOf({ ...STOPPED_EARLY, last, stoppedBy, failures });
    process = launch(line, { onEvent, onLine: recorder.onLine, tensorflow, read, lease: true, grace });
    process.renew(until);
    const exit = await process.ended;
    process = null;
    if (lost.signal.aborted) return null;
    if (await isGone()) throw new RunMissingError(claim.id);
    await push();
    if (lost.signal.aborted) return null;
    const outcome = outcomeOf({ ...exit, last, stoppedBy, failures });
    if (exit.isKilled) say(NOT_STOPPED);
    if (outcome.state === "queued" && outcome.failures > failures) {
      say(`the training process ended with code ${exit.code}; it goes on in ${outcome.after} s`);
    }
    return outcome;
  } catch (error) {
    const { message } = error as Error;
    if (lost.signal.aborted) return null;
    if (stoppedBy !== null && preparing.signal.aborted && process === null) {
      return outcomeOf({ ...STOPPED_EARLY, last, stoppedBy, failures });
    }
    if ([DatasetError, ParameterError, RunMissingError].some((refusal) => error instanceof refusal)) {
      return { state: "failed", exitCode: 2, error: message };
    }
    say(message);
    return outcomeOf({ code: 1, stderr: message, isKilled: false, last: null, stoppedBy: null, failures });
  } finally {
    over.abort();
    await keeping;
  }
};

/**
 * Lets a job go on, in a process of its own, until it ends or is another's.
 *
 * @param settings.touch lets pg-boss know that the turn is being worked on
 * @param requestedAt when the claim was requested, in milliseconds since 1970
 */
export const runAttempt = async (
  database: Database,
  watch: Watch,
  claim: Claim,
  settings: AttemptSettings & { touch: () => Promise<unknown> },
  requestedAt: number,
): Promise<void> => {
  const lost = new AbortController();
  const recorder = createRecorder(database, claim, () => lost.abort());
  const outcome = await runProcess(database, watch, claim, recorder, lost, settings, requestedAt + LEASE * 1000);
  await recorder.flush(AbortSignal.any([lost.signal, settings.killing, database.lost]));
  // Until it is written down, nobody else may know of it: the claim keeps, or another goes on from the last checkpoint.
  while (outcome) {
    try {
      return await settleClaim(database, claim, outcome);
    } catch (error) {
      if (database.lost.aborted) return;
      settings.warn(`${claim.id}: ${(error as Error).message}`);
      if (settings.killing.aborted) return;
      await new Promise((resume) => setTimeout(resume, 500));
    }
  }
};
