import { type ConstructorOptions, PgBoss } from "pg-boss";
import type { Database, Session } from "./database.ts";

/** pg-boss's queue of turns: each asks for a worker that lets one job go on. */
export const QUEUE = "train";

/** Seconds after a worker's last heartbeat until its turn is another's; the least that pg-boss allows. */
const HEARTBEAT = 10;

/**
 * A pg-boss that keeps turns, not started yet. How often a job may fail is the job's affair, so a turn comes back as often
 * as it must.
 *
 * @param settings.lookEvery seconds from one look for dead workers to the next
 */
export const createBoss = (
  { lookEvery, warn, ...where }: ConstructorOptions & { lookEvery: number; warn: (message: string) => void },
): PgBoss => {
  const boss = new PgBoss({
    ...where,
    schedule: false,
    registerInstance: false,
    superviseIntervalSeconds: lookEvery,
    monitorIntervalSeconds: lookEvery,
    reindex: false,
    monitorVacuum: false,
    openTelemetry: { enabled: false },
  });
  // Unheard, an error of a connection would end the process.
  boss.on("error", (error) => warn(error.message));
  return boss;
};

/** Makes the queue if it is not there. */
export const createTurnQueue = (boss: PgBoss): Promise<void> =>
  boss.createQueue(QUEUE, {
    heartbeatSeconds: HEARTBEAT,
    retryLimit: 2 ** 31 - 1,
    retryDelay: 1,
    expireInSeconds: 24 * 3600,
    retentionSeconds: 10 * 365 * 24 * 3600,
    deleteAfterSeconds: 3600,
  });

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
      WHERE state IN ('queued', 'running', 'canceling') AND NOT EXISTS (
        SELECT FROM pgboss.job AS turn
        WHERE turn.name = $1 AND turn.id = job.turn AND turn.state IN ('created', 'retry', 'active')
      )
      FOR UPDATE SKIP LOCKED`,
      [QUEUE],
    );
    for (const { id } of lost) await sendTurn(database, session, id);
  });
