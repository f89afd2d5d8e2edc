import { type ConstructorOptions, PgBoss } from "pg-boss";

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
export const createTurns = (boss: PgBoss): Promise<void> =>
  boss.createQueue(QUEUE, {
    heartbeatSeconds: HEARTBEAT,
    retryLimit: 2 ** 31 - 1,
    retryDelay: 1,
    expireInSeconds: 24 * 3600,
    retentionSeconds: 10 * 365 * 24 * 3600,
    deleteAfterSeconds: 3600,
  });
