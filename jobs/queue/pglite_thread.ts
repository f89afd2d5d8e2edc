import type { PgliteCall, PgliteReply } from "./pglite_worker.ts";

/** A PGlite that runs on another thread. */
export interface PgliteThread {
  /** Answers the rows of what was asked. */
  ask(call: PgliteCall): Promise<unknown[]>;
  end(): void;
}

/** Starts the thread; nothing is open yet. */
export const startPglite = (heard: (channel: string, payload: string) => void): PgliteThread => {
  const worker = new Worker(new URL("./pglite_worker.ts", import.meta.url), { type: "module", name: "jobs" });
  const waiting = new Map<number, PromiseWithResolvers<unknown[]>>();
  let calls = 0;
  let ended: Error | null = null;

  worker.onmessage = ({ data }: MessageEvent<PgliteReply>) => {
    if ("channel" in data) return heard(data.channel, data.payload);
    const asked = waiting.get(data.call)!;
    waiting.delete(data.call);
    if ("rows" in data) asked.resolve(data.rows);
    else asked.reject(Object.assign(new Error(data.error.message), { code: data.error.code }));
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
    ask: (call) => {
      if (ended) return Promise.reject(ended);
      const asked = Promise.withResolvers<unknown[]>();
      waiting.set(++calls, asked);
      worker.postMessage({ ...call, call: calls });
      return asked.promise;
    },
    end: () => {
      worker.terminate();
      fail(new Error("the database of jobs is closed"));
    },
  };
};
