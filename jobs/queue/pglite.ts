import { join } from "@std/path";
import type { Db } from "pg-boss";
import { exists, isTaken, unlessMissing } from "../../files/exists.ts";
import { removeQuietly, renameDurably, writing } from "../../files/durable.ts";
import { JobsUnavailableError } from "../jobs.ts";
import { type Database, sessionOf } from "./database.ts";
import type { PgliteCall, PgliteReply } from "./pglite_worker.ts";
import { createBoss } from "./turns.ts";

/** A PGlite that runs on another thread. */
export interface PgliteThread {
  /** Answers the rows of a call. */
  call(call: PgliteCall): Promise<unknown[]>;
  /** Ends it where it stands: nothing more is written. */
  end(): void;
}

/**
 * Starts the thread; nothing is open yet.
 *
 * @param onEnded called with the reason if PostgreSQL ends by itself
 */
const startPglite = (
  onMessage: (channel: string, payload: string) => void,
  onEnded: (reason: string) => void,
): PgliteThread => {
  const worker = new Worker(new URL("./pglite_worker.ts", import.meta.url), { type: "module", name: "jobs" });
  const waiting = new Map<number, PromiseWithResolvers<unknown[]>>();
  let calls = 0;
  let ended: Error | null = null;

  const end = (error: Error) => {
    worker.terminate();
    ended ??= error;
    for (const { reject } of waiting.values()) reject(ended);
    waiting.clear();
  };
  const fail = (reason: string) => {
    end(new Error(reason));
    onEnded(reason);
  };
  worker.onmessage = ({ data }: MessageEvent<PgliteReply>) => {
    if (ended) return;
    if ("ended" in data) return fail(data.ended);
    if ("channel" in data) return onMessage(data.channel, data.payload);
    const pending = waiting.get(data.call)!;
    waiting.delete(data.call);
    if ("rows" in data) pending.resolve(data.rows);
    else pending.reject(Object.assign(new Error(data.error.message), { code: data.error.code }));
  };
  worker.onerror = (event) => {
    event.preventDefault();
    fail(event.message);
  };

  return {
    call: (call) => {
      if (ended) return Promise.reject(ended);
      const pending = Promise.withResolvers<unknown[]>();
      waiting.set(++calls, pending);
      worker.postMessage({ ...call, call: calls });
      return pending.promise;
    },
    end: () => end(new Error("the database of jobs is closed")),
  };
};

/** PGlite would let a second process damage its folder. */
const lock = async (folder: string): Promise<Deno.FsFile> => {
  const file = await writing(folder, async () => {
    await Deno.mkdir(folder, { recursive: true });
    return await Deno.open(join(folder, "lock"), { create: true, write: true });
  });
  if (await file.tryLock(true)) return file;
  file.close();
  throw new JobsUnavailableError(
    `the jobs of ${folder} are another server's: one process at a time keeps that folder, ` +
      "and DATABASE_URL names a PostgreSQL that many can share",
  );
};

const copyTree = async (from: string, to: string): Promise<void> => {
  await Deno.mkdir(to);
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    await (isDirectory ? copyTree : Deno.copyFile)(join(from, name), join(to, name));
  }
};

/** What the system says that has nothing to do with what the folder holds. */
const REFUSED = /No space left|quota|too large|Read-only|Permission denied|not permitted/i;

const cannotOpen = (folder: string, cause: Error): Error =>
  cause instanceof JobsUnavailableError || cause.name === "DiskError" || cause instanceof Deno.errors.NotCapable
    ? cause
    : new JobsUnavailableError(
      `the jobs of ${folder} cannot be opened: ${cause.message.replace(/\s+/g, " ").replace(/\.$/, "")}` +
        (REFUSED.test(cause.message)
          ? ""
          : `. Nothing was written there. Put a copy of ${folder} back, or move it away: a new queue begins then, ` +
            "and runs with their checkpoints are not part of it"),
      { cause },
    );

/** Removes a folder if nothing is in it; a file or a link stays. */
const removeEmpty = async (folder: string): Promise<void> => {
  if ((await unlessMissing(Deno.lstat(folder)))?.isDirectory) await Deno.remove(folder).catch(() => {});
};

/**
 * Opens a copy of the database, reads all of its tables, and closes it, so that the one that is damaged stays as it is:
 * PostgreSQL writes before it knows. Where there is none, one is made, and put in place when it is whole.
 */
const rehearse = async (thread: PgliteThread, data: string): Promise<void> => {
  const copy = `${data}.copy`;
  removeQuietly(copy);
  await removeEmpty(data);
  const isThere = await isTaken(data);
  try {
    if (isThere) {
      // Without it, PGlite would begin a new database over the old one.
      if (!await exists(join(data, "PG_VERSION"))) throw new Error(`${join(data, "PG_VERSION")} is missing`);
      await writing(copy, () => copyTree(data, copy));
    }
    await thread.call({ kind: "open", folder: copy });
    await thread.call({ kind: "check" });
    await thread.call({ kind: "close" });
    if (!isThere) renameDurably(copy, data);
  } finally {
    removeQuietly(copy);
  }
};

/**
 * Opens the jobs that a folder holds, by an embedded PostgreSQL (PGlite) on a thread of its own.
 *
 * @throws {JobsUnavailableError} if another process has it open, or it is damaged; then nothing is written into it
 * @throws {DiskError} if the system does not let it be written
 */
export const openFolder = async (folder: string, warn: (message: string) => void): Promise<Database> => {
  const locked = await lock(folder);
  const data = join(folder, "data");
  const listeners = new Map<string, (payload: string) => void>();
  const lost = new AbortController();
  const lose = (message: string) => {
    if (lost.signal.aborted) return;
    thread.end();
    lost.abort(new JobsUnavailableError(message));
  };
  const thread = startPglite(
    (channel, payload) => listeners.get(channel)?.(payload),
    (reason) => lose(`the database of jobs in ${folder} has ended and is opened anew: ${reason}`),
  );

  const versionFile = () => unlessMissing(Deno.stat(join(data, "PG_VERSION"))).catch(() => null);
  let opened: Deno.FileInfo | null = null;
  /** What is written to files that have been removed is written to nothing. */
  const checkPresence = async () => {
    if (opened) {
      const found = await versionFile();
      if (found?.ino !== opened.ino || found?.dev !== opened.dev) {
        lose(`${folder} was removed or replaced while its jobs were open; what is there now is opened next`);
      }
    }
    lost.signal.throwIfAborted();
  };

  // One connection: who has a transaction has it to themselves.
  let turn: Promise<unknown> = Promise.resolve();
  const exclusively = <T>(work: () => Promise<T>): Promise<T> => {
    const result = turn.then(checkPresence).then(work).catch((error) => {
      lost.signal.throwIfAborted();
      throw error;
    });
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
    await rehearse(thread, data);
    await thread.call({ kind: "open", folder: data });
    opened = await versionFile();
    await boss.start();
  } catch (error) {
    await close();
    throw cannotOpen(folder, error as Error);
  }
  return {
    ...sessionOf(db),
    boss,
    lost: lost.signal,
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
