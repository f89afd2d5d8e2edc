import type { Job as Turn } from "pg-boss";
import { type AttemptSettings, runAttempt } from "./attempt.ts";
import type { Watch } from "./changes.ts";
import type { CloseOptions } from "../jobs.ts";
import { claimJob } from "./claim.ts";
import type { Database } from "./database.ts";
import { QUEUE, restoreTurns } from "./turns.ts";

/** Milliseconds from one look for turns to the next, and the least while there is word of changes. */
const LOOK = 1000, SOON = 200;

/** Milliseconds from one search for jobs that lost their turn to the next. */
const RESTORE = 30_000;

/** Milliseconds after which those that are waited for are named again. */
const REMIND = 15_000;

/** How a worker works. */
export interface WorkerSettings extends Omit<AttemptSettings, "ending" | "killing"> {
  /** Jobs at a time. */
  readonly concurrency: number;
  /** What jobs say of who runs them. */
  readonly name: string;
}

/** A worker that takes jobs. */
export interface QueueWorker {
  /** Ends it: its processes write checkpoints, and are killed after `grace` ms; their jobs wait for others. */
  close(options: Required<CloseOptions>): Promise<void>;
}

const pause = (milliseconds: number) => new Promise<void>((resume) => setTimeout(resume, milliseconds));

/** Takes jobs off the queue, as many at a time as it may, and lets each go on. */
export const startWorker = (
  database: Database,
  watch: Watch,
  { concurrency, name, ...settings }: WorkerSettings,
): QueueWorker => {
  const { boss } = database;
  const { warn } = settings;
  const ending = new AbortController();
  const killing = new AbortController();
  /** The jobs that go on here, by what ends with them. */
  const attempts = new Map<Promise<void>, string>();
  const ended = new Promise<void>((resolve) => ending.signal.addEventListener("abort", () => resolve()));

  const take = async (turn: Turn<{ job: string }>): Promise<void> => {
    const requestedAt = Date.now();
    const claim = await claimJob(database, { id: turn.data.job, turn: turn.id, worker: name });
    // It comes back in a second.
    if (claim === "held") return void await boss.fail(QUEUE, turn);
    if (claim) {
      const touch = () => boss.touch(QUEUE, turn);
      const signals = { ending: ending.signal, killing: killing.signal };
      await runAttempt(database, watch, claim, { ...settings, ...signals, touch }, requestedAt);
    }
    await boss.complete(QUEUE, turn);
  };

  const fill = async (): Promise<void> => {
    while (attempts.size < concurrency && !ending.signal.aborted) {
      const [turn] = await boss.fetch<{ job: string }>(QUEUE);
      if (!turn) return;
      // What fails here comes back when its heartbeat is missed.
      const attempt = take(turn).catch((error) => warn(error.message)).finally(() => attempts.delete(attempt));
      attempts.set(attempt, turn.data.job);
    }
  };

  const work = async (): Promise<void> => {
    let restored = -Infinity;
    while (!ending.signal.aborted) {
      try {
        if (performance.now() - restored > RESTORE) {
          await restoreTurns(database);
          restored = performance.now();
        }
        await fill();
      } catch (error) {
        warn((error as Error).message);
        await Promise.race([pause(LOOK), ended]);
      }
      const isFull = attempts.size >= concurrency;
      const next = isFull ? Promise.race(attempts.keys()) : Promise.all([watch.changed(LOOK), pause(SOON)]);
      await Promise.race([next, ended]);
    }
  };
  const working = work();

  return {
    close: async ({ grace, say }) => {
      const over = performance.now() + grace;
      ending.abort();
      const tell = (what: string) => {
        if (attempts.size > 0) say(`${[...attempts.values()].join(", ")}: ${what}`);
      };
      const tellTimeLeft = () =>
        tell(`writes a checkpoint, waited for ${Math.round((over - performance.now()) / 1000)} s at most`);
      const reminder = setInterval(tellTimeLeft, REMIND);
      const timer = setTimeout(() => {
        clearInterval(reminder);
        tell(`killed: no checkpoint in ${grace / 1000} s; the last one before it counts`);
        killing.abort();
      }, grace);
      tellTimeLeft();
      await working;
      await Promise.all(attempts.keys());
      clearTimeout(timer);
      clearInterval(reminder);
    },
  };
};
