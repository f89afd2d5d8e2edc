import { type Database, sessionOf } from "./database.ts";
import { createBoss } from "./turns.ts";

/** Connections of one process: its jobs' heartbeats, and whoever asks for jobs. */
const CONNECTIONS = 6;

/**
 * Opens the jobs that a PostgreSQL database holds, which many servers and workers can share.
 *
 * @param url `postgres://user:password@host:port/database`
 * @throws {Error} what the database says if it cannot be reached or refuses
 */
export const openPostgres = async (url: string, warn: (message: string) => void): Promise<Database> => {
  const boss = createBoss({
    connectionString: url,
    max: CONNECTIONS,
    connectionTimeoutMillis: 5000,
    notifyHeartbeatIntervalMs: 5000,
    application_name: "denoise",
    lookEvery: 1,
    warn,
  });
  const db = boss.getDb();
  const listening: { close(): Promise<void> }[] = [];
  try {
    await boss.start();
  } catch (error) {
    await boss.stop({ graceful: false }).catch(() => {});
    throw error;
  }
  return {
    ...sessionOf(db),
    boss,
    // The connections of its pool are made anew as they are needed.
    lost: new AbortController().signal,
    transaction: async (work) => {
      const transaction = await db.beginTransaction!();
      try {
        const result = await work(sessionOf(transaction.db));
        await transaction.commit();
        return result;
      } catch (error) {
        await transaction.rollback();
        throw error;
      }
    },
    listen: async (channel, onMessage) => {
      listening.push(await db.listen!(channel, onMessage, () => {}));
    },
    close: async () => {
      await Promise.all(listening.map((handle) => handle.close().catch(() => {})));
      await boss.stop({ graceful: false }).catch(() => {});
    },
  };
};
