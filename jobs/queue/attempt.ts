import { join } from "@std/path";
import { DatasetError } from "../data/dataset_error.ts";
import type { TrainingEvent } from "../events.ts";
import type { launchTraining, TrainingProcess } from "../launch.ts";
import type { RunStorage } from "../storage/storage.ts";
import { type Claim, type Outcome, settleClaim } from "./claim.ts";
import type { Database } from "./database.ts";
import { findInputs } from "./inputs.ts";
import { keepClaim } from "./keep_claim.ts";
import { outcomeOf } from "./outcome.ts";
import { CHANGES, createPush } from "./push.ts";
import { createRecorder, type Recorder } from "./recorder.ts";
import { argumentsOf, asOthersSee } from "./run_arguments.ts";
import { LEASE } from "./turns.ts";
import type { Watch } from "./watch.ts";

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
  /** Aborts when the worker ends: the process writes its checkpoint, and the job goes on elsewhere. */
  readonly ending: AbortSignal;
  /** Aborts when it has to end at once. */
  readonly killing: AbortSignal;
  readonly warn: (message: string) => void;
}

/** Runs the process; answers its outcome, or null if the job became another's meanwhile. */
const train = async (
  database: Database,
  watch: Watch,
  claim: Claim,
  recorder: Recorder,
  lost: AbortController,
  { touch, ...settings }: AttemptSettings & { touch: () => Promise<unknown> },
  until: number,
): Promise<Outcome | null> => {
  const { runs, storage, launch, tensorflow, engine, ending, killing, warn } = settings;
  const run = join(runs, claim.id);
  const { failures: before } = claim;
  const say = (message: string) => {
    recorder.onLine(message);
    warn(`${claim.id}: ${message}`);
  };
  const over = new AbortController();
  let process: TrainingProcess | null = null;
  let asked: "person" | "worker" | null = null;
  let last: TrainingEvent | null = null;
  let failures = before;
  const preparing = new AbortController();
  const stop = (who: "person" | "worker") => {
    asked ??= who;
    process?.stop();
    preparing.abort();
  };
  const once = { once: true, signal: over.signal };
  lost.signal.addEventListener("abort", () => process?.kill(), once);
  ending.addEventListener("abort", () => stop("worker"), once);
  killing.addEventListener("abort", () => process?.kill(), once);
  if (ending.aborted) stop("worker");
  const keeping = keepClaim(database, watch, claim, {
    renew: (time) => {
      until = time;
      process?.renew(time);
    },
    onStop: () => stop("person"),
    onCutOff: () => stop("worker"),
    onLost: () => lost.abort(),
  }, { until, touch, over: over.signal });

  const push = createPush(storage, run, lost, say);
  const onEvent = (event: TrainingEvent) => {
    if (event.event === "checkpoint") failures = 0;
    if (event.event === "done" || event.event === "stopped" || event.event === "error") last = event;
    recorder.onEvent(asOthersSee(event, run, claim.id));
    if (CHANGES.includes(event.event)) push();
  };

  try {
    await storage.fetch(run, { claim: true });
    await Deno.mkdir(run, { recursive: true });
    const { options, read } = await findInputs({ ...(engine ? { engine } : {}), ...claim.options }, {
      runs,
      signal: AbortSignal.any([preparing.signal, lost.signal]),
      onProgress: recorder.onEvent,
    });
    const line = await argumentsOf(run, options);
    if (lost.signal.aborted) return null;
    if (asked !== null) return outcomeOf({ code: 143, stderr: "", last, asked, failures });
    process = launch(line, { onEvent, onLine: recorder.onLine, tensorflow, read, lease: true });
    process.renew(until);
    const exit = await process.ended;
    process = null;
    if (lost.signal.aborted) return null;
    await push();
    if (lost.signal.aborted) return null;
    const outcome = outcomeOf({ ...exit, last, asked, failures });
    if (outcome.state === "waiting" && outcome.failures > failures) {
      say(`the training process ended with code ${exit.code}; it goes on in ${outcome.after} s`);
    }
    return outcome;
  } catch (error) {
    const { message } = error as Error;
    if (lost.signal.aborted) return null;
    if (asked !== null && preparing.signal.aborted && process === null) {
      return outcomeOf({ code: 143, stderr: "", last, asked, failures });
    }
    if (error instanceof DatasetError) return { state: "failed", exitCode: 2, error: message };
    say(message);
    return outcomeOf({ code: 1, stderr: message, last: null, asked: null, failures });
  } finally {
    over.abort();
    await keeping;
  }
};

/**
 * Lets a job go on, in a process of its own, until it ends or is another's.
 *
 * @param settings.touch tells pg-boss that the turn is being worked on
 * @param asked when the claim was asked for, in milliseconds since 1970
 */
export const runAttempt = async (
  database: Database,
  watch: Watch,
  claim: Claim,
  settings: AttemptSettings & { touch: () => Promise<unknown> },
  asked: number,
): Promise<void> => {
  const lost = new AbortController();
  const recorder = createRecorder(database, claim, () => lost.abort());
  const outcome = await train(database, watch, claim, recorder, lost, settings, asked + LEASE * 1000);
  await recorder.flush(AbortSignal.any([lost.signal, settings.killing]));
  // Until it is written down, nobody else may know of it: the claim keeps, or another goes on from the last checkpoint.
  while (outcome) {
    try {
      return await settleClaim(database, claim, outcome);
    } catch (error) {
      settings.warn(`${claim.id}: ${(error as Error).message}`);
      if (settings.killing.aborted) return;
      await new Promise((resume) => setTimeout(resume, 500));
    }
  }
};
