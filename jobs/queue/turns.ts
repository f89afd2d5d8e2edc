import { QUEUE } from "./boss.ts";
import type { Database, Session } from "./database.ts";

/** Seconds that a worker has a job to itself after each heartbeat. */
export const LEASE = 10;

/** The channel on which ids of jobs are sent that have changed. */
export const CHANNEL = "denoise_jobs";

/** Tells all who follow a job, on any machine. */
export const tell = async ({ query }: Session, id: string): Promise<void> => {
  await query("SELECT pg_notify($1, $2)", [CHANNEL, id]);
};

/** Puts a turn for a job into the queue; the job's earlier turns are worth nothing from now on. */
export const sendTurn = async (
  { boss }: Database,
  { query, db }: Session,
  id: string,
  { startAfter = 0 }: { startAfter?: number } = {},
): Promise<void> => {
  const turn = crypto.randomUUID();
  await query("UPDATE denoise.jobs SET turn = $2 WHERE id = $1", [id, turn]);
  await boss.send(QUEUE, { job: id }, { id: turn, startAfter, db });
};

/** Gives a turn to each job that has not ended and has none, as when someone emptied pg-boss's tables. */
export const restoreTurns = (database: Database): Promise<void> =>
  database.transaction(async (session) => {
    const lost = await session.query<{ id: string }>(
      `SELECT id FROM denoise.jobs AS job
      WHERE state IN ('waiting', 'running', 'stopping') AND NOT EXISTS (
        SELECT FROM pgboss.job AS turn
        WHERE turn.name = $1 AND turn.id = job.turn AND turn.state IN ('created', 'retry', 'active')
      )
      FOR UPDATE SKIP LOCKED`,
      [QUEUE],
    );
    for (const { id } of lost) await sendTurn(database, session, id);
  });
