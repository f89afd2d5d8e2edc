import { join } from "@std/path";
import type { Db } from "pg-boss";
import { JobsUnavailableError } from "../jobs.ts";
import { type Database, sessionOf } from "./database.ts";
import type { PgliteCall, PgliteReply } from "./pglite_worker.ts";
import { createBoss } from "./turns.ts";

/** A PGlite that runs on another thread. */
export interface PgliteThread {
  /** Answers the rows of a call. */
  call(call: PgliteCall): Promise<unknown[]>;
  end(): void;
}

/** Starts the thread; nothing is open yet. */
const startPglite = (onMessage: (channel: string, payload: string) => void): PgliteThread => {
  const worker = new Worker(new URL("./pglite_worker.ts", import.meta.url), { type: "module", name: "jobs" });
  const waiting = new Map<number, PromiseWithResolvers<unknown[]>>();
  let calls = 0;
  let ended: Error | null = null;

  worker.onmessage = ({ data }: MessageEvent<PgliteReply>) => {
    if ("channel" in data) return onMessage(data.channel, data.payload);
    const pending = waiting.get(data.call)!;
    waiting.delete(data.call);
    if ("rows" in data) pending.resolve(data.rows);
    else pending.reject(Object.assign(new Error(data.error.message), { code: data.error.code }));
  };
  const fail = (error: Error) => {
    ended = error;
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  };
  worker.onerror = (event) => {
    event.preventDefault();
    fail(new Error(`the database of jobs broke: ${event.message}`));
  };

  return {
    call: (call) => {
      if (ended) return Promise.reject(ended);
      const pending = Promise.withResolvers<unknown[]>();
      waiting.set(++calls, pending);
      worker.postMessage({ ...call, call: calls });
      return pending.promise;
    },
    end: () => {
      worker.terminate();
      fail(new Error("the database of jobs is closed"));
    },
  };
};

/** PGlite would let a second process damage its folder. */
const lock = async (folder: string): Promise<Deno.FsFile> => {
  await Deno.mkdir(folder, { recursive: true });
  const file = await Deno.open(join(folder, "lock"), { create: true, write: true });
  if (await file.tryLock(true)) return file;
  file.close();
  throw new JobsUnavailableError(
    `the jobs of ${folder} are another server's: one process at a time keeps that folder, ` +
      "and DATABASE_URL names a PostgreSQL that many can share",
  );
};

/**
 * Opens the jobs that a folder holds, by an embedded PostgreSQL (PGlite) on a thread of its own.
 *
 * @throws {JobsUnavailableError} if another process has it open
 */
export const openFolder = async (folder: string, warn: (message: string) => void): Promise<Database> => {
  const locked = await lock(folder);
  const listeners = new Map<string, (payload: string) => void>();
  const thread = startPglite((channel, payload) => listeners.get(channel)?.(payload));

  // One connection: who has a transaction has it to themselves.
  let turn: Promise<unknown> = Promise.resolve();
  const exclusively = <T>(work: () => Promise<T>): Promise<T> => {
    const result = turn.then(work);
    turn = result.catch(() => {});
    return result;
  };
  const run = async (text: string, values?: unknown[]) => ({
    rows: await thread.call(values?.length ? { kind: "query", text, values } : { kind: "exec", text }),
  });
  const rollback = () => run("ROLLBACK").catch(() => {});
  const db: Db = {
    executeSql: (text, values) =>
      exclusively(() =>
        run(text, values).catch(async (error) => {
          // What failed may have begun a transaction.
          await rollback();
          throw error;
        })
      ),
  };
  const boss = createBoss({ db, backend: "pglite", lookEvery: 5, warn });

  const close = async () => {
    await boss.stop({ graceful: false, close: false }).catch(() => {});
    await exclusively(() => thread.call({ kind: "close" })).catch(() => {});
    thread.end();
    locked.close();
  };
  try {
    await thread.call({ kind: "open", folder: join(folder, "data") });
    await boss.start();
  } catch (error) {
    await close();
    throw error;
  }
  return {
    ...sessionOf(db),
    boss,
    transaction: (work) =>
      exclusively(async () => {
        await run("BEGIN");
        try {
          const result = await work(sessionOf({ executeSql: run }));
          await run("COMMIT");
          return result;
        } catch (error) {
          await rollback();
          throw error;
        }
      }),
    listen: async (channel, onMessage) => {
      listeners.set(channel, onMessage);
      await exclusively(() => thread.call({ kind: "listen", channel }));
    },
    close,
  };
};
