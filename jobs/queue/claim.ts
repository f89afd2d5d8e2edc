import type { JobState } from "../jobs.ts";
import type { OptionValues } from "../launch.ts";
import type { Database, Session } from "./database.ts";
import type { Progress } from "./row.ts";
import { LEASE, sendTurn, tell } from "./turns.ts";

/** A job that a worker has to itself: each claim has a number of its own, and only the last one counts. */
export interface Claim {
  readonly id: string;
  readonly attempt: number;
  readonly options: OptionValues;
  /** Crashes since the last checkpoint. */
  readonly failures: number;
}

/** How an attempt ended: for good, or so that the job is to go on after some seconds. */
export type Outcome =
  | { readonly state: "succeeded" | "stopped" | "failed"; readonly exitCode: number; readonly error?: string }
  | { readonly state: "waiting"; readonly after: number; readonly failures: number };

const HELD = "id = $1 AND attempt = $2 AND state IN ('running', 'stopping')";

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
    await tell(session, id);
    if (job.state === "stopping") {
      await query(
        "UPDATE denoise.jobs SET state = 'stopped', ended = clock_timestamp(), turn = NULL, lease = NULL WHERE id = $1",
        [id],
      );
      return null;
    }
    const [claim] = await query<Claim>(
      `UPDATE denoise.jobs SET
        state = 'running', attempt = attempt + 1, worker = $2, started = clock_timestamp(),
        lease = clock_timestamp() + $3 * interval '1 second',
        progress = progress || '{"exitCode": null, "error": null}'
      WHERE id = $1 RETURNING id, attempt, options, failures`,
      [id, worker, LEASE],
    );
    return claim;
  });

/**
 * Keeps a claim for another {@linkcode LEASE} seconds.
 *
 * @returns the job's state; `null` if the claim is lost: the job is another's, or has ended
 */
export const renewClaim = async ({ query }: Session, { id, attempt }: Claim): Promise<JobState | null> => {
  const [job] = await query<{ state: JobState }>(
    `UPDATE denoise.jobs SET lease = clock_timestamp() + $3 * interval '1 second' WHERE ${HELD} RETURNING state`,
    [id, attempt, LEASE],
  );
  return job?.state ?? null;
};

/** Ends a claim; one that is lost changes nothing. */
export const settleClaim = (database: Database, { id, attempt }: Claim, outcome: Outcome): Promise<void> =>
  database.transaction(async (session) => {
    const isOver = outcome.state !== "waiting";
    const progress: Progress = isOver
      ? { exitCode: outcome.exitCode, ...(outcome.error === undefined ? {} : { error: outcome.error }) }
      : {};
    const [job] = await session.query<{ state: JobState }>(
      `UPDATE denoise.jobs SET
        state = CASE WHEN state = 'stopping' AND $3 = 'waiting' THEN 'stopped' ELSE $3 END,
        ended = CASE WHEN state = 'stopping' OR $3 <> 'waiting' THEN clock_timestamp() END,
        lease = NULL, turn = NULL, failures = $4, progress = progress || $5::jsonb || '{"secondsLeft": null}'
      WHERE ${HELD} RETURNING state`,
      [id, attempt, outcome.state, isOver ? 0 : outcome.failures, JSON.stringify(progress)],
    );
    if (!job) return;
    if (job.state === "waiting" && !isOver) await sendTurn(database, session, id, { startAfter: outcome.after });
    await tell(session, id);
  });
