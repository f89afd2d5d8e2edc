import type { JobState, OptionValues } from "../jobs.ts";
import { notifyChanged, type Watch } from "./changes.ts";
import { type Database, type Session, storable } from "./database.ts";
import type { JobProgress } from "./job_table.ts";
import { sendTurn } from "./turns.ts";

/** Seconds that a worker has a job to itself after each heartbeat. */
export const LEASE = 10;

/** A job that a worker has to itself: each claim has a number of its own, and only the last one counts. */
export interface Claim {
  readonly id: string;
  readonly attempt: number;
  readonly options: OptionValues;
  /** Crashes since the last checkpoint. */
  readonly failures: number;
  /** Folder of the last checkpoint, as others see it; null if there is none yet. */
  readonly checkpoint: string | null;
}

/** How an attempt ended: for good, or so that the job is to go on after some seconds. */
export type Outcome =
  | { readonly state: "succeeded" | "canceled" | "failed"; readonly exitCode: number; readonly error?: string }
  | { readonly state: "queued"; readonly after: number; readonly failures: number };

const HELD = "id = $1 AND attempt = $2 AND state IN ('running', 'canceling')";

/**
 * Claims the job of a turn.
 *
 * @returns the claim; `held` if another worker still has the job; `null` if the turn is worth nothing any more
 */
export const claimJob = (
  database: Database,
  { id, turn, worker }: { id: string; turn: string; worker: string },
): Promise<Claim | "held" | null> =>
  database.transaction(async (session) => {
    const { query } = session;
    const [job] = await query<{ state: JobState; turn: string | null; held: boolean | null }>(
      "SELECT state, turn, lease > clock_timestamp() AS held FROM denoise.jobs WHERE id = $1 FOR UPDATE",
      [id],
    );
    if (!job || job.turn !== turn) return null;
    if (job.held) return "held";
    await notifyChanged(session, id);
    if (job.state === "canceling") {
      await query(
        "UPDATE denoise.jobs SET state = 'canceled', ended = clock_timestamp(), turn = NULL, lease = NULL WHERE id = $1",
        [id],
      );
      return null;
    }
    const [claim] = await query<Claim>(
      `UPDATE denoise.jobs SET
        state = 'running', attempt = attempt + 1, worker = $2, started = clock_timestamp(),
        lease = clock_timestamp() + $3 * interval '1 second',
        progress = progress || '{"exitCode": null, "error": null}'
      WHERE id = $1 RETURNING id, attempt, options, failures, progress ->> 'checkpoint' AS checkpoint`,
      [id, worker, LEASE],
    );
    return claim;
  });

/**
 * Keeps a claim for another {@linkcode LEASE} seconds.
 *
 * @returns the job's state; `null` if the claim is lost: the job is another's, or has ended
 */
const renewClaim = async ({ query }: Session, { id, attempt }: Claim): Promise<JobState | null> => {
  const [job] = await query<{ state: JobState }>(
    `UPDATE denoise.jobs SET lease = clock_timestamp() + $3 * interval '1 second' WHERE ${HELD} RETURNING state`,
    [id, attempt, LEASE],
  );
  return job?.state ?? null;
};

/** Ends a claim; one that is lost changes nothing. */
export const settleClaim = (database: Database, { id, attempt }: Claim, outcome: Outcome): Promise<void> =>
  database.transaction(async (session) => {
    const isOver = outcome.state !== "queued";
    const progress: JobProgress = isOver
      ? { exitCode: outcome.exitCode, ...(outcome.error === undefined ? {} : { error: outcome.error }) }
      : {};
    const [job] = await session.query<{ state: JobState }>(
      `UPDATE denoise.jobs SET
        state = CASE WHEN state = 'canceling' AND $3 = 'queued' THEN 'canceled' ELSE $3 END,
        ended = CASE WHEN state = 'canceling' OR $3 <> 'queued' THEN clock_timestamp() END,
        lease = NULL, turn = NULL, failures = $4, progress = progress || $5::jsonb || '{"secondsLeft": null}'
      WHERE ${HELD} RETURNING state`,
      [id, attempt, outcome.state, isOver ? 0 : outcome.failures, storable(progress)],
    );
    if (!job) return;
    if (job.state === "queued" && !isOver) await sendTurn(database, session, id, { startAfter: outcome.after });
    await notifyChanged(session, id);
  });

/** Milliseconds from one renewal to the next. */
const RENEW = 2000;

/** The least; a job that changes is looked at sooner. */
const SOON = 500;

/** Milliseconds before the lease's end at which a process is asked to write its checkpoint. */
const MARGIN = 4000;

/** What the process of a claim receives. */
export interface ClaimListener {
  renew(until: number): void;
  /** The job is canceled. */
  onCancel(): void;
  /** The database does not answer, and the lease is about to end. */
  onCutOff(): void;
  /** The job is not this worker's any more. */
  onLost(): void;
}

const pause = (milliseconds: number) => new Promise<void>((resume) => setTimeout(resume, milliseconds));

const inTime = <T>(work: Promise<T>): Promise<T> => {
  work.catch(() => {});
  return Promise.race([
    work,
    pause(RENEW).then(() => {
      throw new Error("no answer in time");
    }),
  ]);
};

/**
 * Renews a claim until `over` aborts. What the process receives never reaches beyond what the database holds: the time is
 * taken before the question, so that an answer that comes late, or to a worker that was paused, lets nobody write.
 *
 * @param touch renews the turn in pg-boss as well
 */
export const keepClaim = async (
  session: Session,
  watch: Watch,
  claim: Claim,
  held: ClaimListener,
  { until: first, touch, over }: { until: number; touch: () => Promise<unknown>; over: AbortSignal },
): Promise<void> => {
  const ended = new Promise<void>((resolve) => over.addEventListener("abort", () => resolve(), { once: true }));
  let until = first;
  while (!over.aborted) {
    const requestedAt = Date.now();
    try {
      const state = await inTime(renewClaim(session, claim));
      if (state === null) return held.onLost();
      until = requestedAt + LEASE * 1000;
      held.renew(until);
      if (state === "canceling") held.onCancel();
      await inTime(touch());
    } catch {
      // The lease decides.
    }
    const left = until - Date.now();
    if (left <= 0) return held.onLost();
    if (left < MARGIN) held.onCutOff();
    await Promise.race([Promise.all([watch.changed(RENEW, claim.id), pause(SOON)]), ended]);
  }
};
