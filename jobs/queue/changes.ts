import type { Database, Session } from "./database.ts";

/** The channel on which ids of jobs are sent that have changed. */
export const CHANNEL = "denoise_jobs";

/** Tells all who follow a job, on any machine. */
export const notifyChanged = async ({ query }: Session, id: string): Promise<void> => {
  await query("SELECT pg_notify($1, $2)", [CHANNEL, id]);
};

/** Who waits for a job, or for any, to change. */
export interface Watch {
  /** Resolves when the job (any, if none is named) changes, or after `milliseconds`: word of a change can be missed. */
  changed(milliseconds: number, id?: string): Promise<void>;
}

/** Listens for jobs that change, on any machine. */
export const watchJobs = async (database: Database, warn: (message: string) => void): Promise<Watch> => {
  const waiting = new Set<{ id?: string; wake: () => void }>();
  const onChange = (changed: string) => {
    for (const { id, wake } of waiting) if (id === undefined || id === changed) wake();
  };
  try {
    await database.listen(CHANNEL, onChange);
  } catch (error) {
    warn(`jobs are looked at every second, as the database sends no word: ${(error as Error).message}`);
  }
  return {
    changed: (milliseconds, id) =>
      new Promise((resolve) => {
        const wake = () => {
          clearTimeout(timer);
          waiting.delete(waiter);
          resolve();
        };
        const waiter = { id, wake };
        const timer = setTimeout(wake, milliseconds);
        waiting.add(waiter);
      }),
  };
};
