import { hasGpu } from "../engine/webgpu/adapter.ts";
import { reviveError } from "../sampling/errors.ts";
import type { FromWorker, StartOptions, ToWorker } from "./protocol.ts";
import type { Serving } from "./serving.ts";

/** A Worker, seen from the thread that started it. After `end` nothing comes from it any more. */
export interface Link {
  post(message: Exclude<ToWorker, { type: "start" | "gpu" }>): void;
  end(): void;
}

/**
 * Starts a Worker, and has it start.
 *
 * @param script the worker's module, which speaks the messages of protocol.ts
 * @param given what the Worker is to know of where it runs
 * @param sharesMemory whether threads may share memory, which those of a page do only where it is isolated
 * @param listeners.onDeath called with why the Worker died by itself
 */
export const openLink = (
  { script, start, given, sharesMemory = true }: {
    script: URL;
    start: StartOptions;
    given?: unknown;
    sharesMemory?: boolean;
  },
  { onMessage, onDeath }: {
    onMessage: (message: Exclude<FromWorker, { type: "seeks-gpu" }>) => void;
    onDeath: (error: Error) => void;
  },
): Link => {
  const worker = new Worker(script, { type: "module" });
  let ended = false;
  const end = () => {
    ended = true;
    worker.terminate();
  };
  const post = (message: ToWorker) => worker.postMessage(message);
  const answerGpu = async () => {
    const found = await hasGpu().catch(() => false);
    if (!ended) post({ type: "gpu", found });
  };
  worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
    if (ended) return;
    if (data.type === "seeks-gpu") answerGpu();
    else onMessage(data);
  };
  worker.onerror = (event) => {
    event.preventDefault();
    if (ended) return;
    end();
    onDeath(new Error(`the sampling worker died: ${event.message}`));
  };
  const sent = sharesMemory ? new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)) : null;
  post({ type: "start", options: start, sent, given });
  return {
    post: (message) => {
      post(message);
      if (sent !== null) Atomics.add(sent, 0, 1);
    },
    end,
  };
};

/** Milliseconds that a Worker has to end by itself. */
const GRACE = 2000;

/** What a Worker says of its work. */
export type WorkMessage = Exclude<FromWorker, { type: "seeks-gpu" | "ready" | "unready" | "broken" | "closed" }>;

/** What a Worker says when it can begin. */
export type ReadyMessage = FromWorker & { type: "ready" };

/** Keeps a Worker running. */
export interface Supervisor {
  /** What the first Worker said when it was ready. */
  readonly ready: ReadyMessage;
  readonly state: Serving["state"];
  readonly failure: Error | null;
  readonly restarts: number;
  /** Says something to the Worker; nothing where none is ready. */
  post: Link["post"];
  /** Ends the Worker. */
  close(): Promise<void>;
}

/** Who is to know what becomes of the Worker. */
export interface Listeners {
  onMessage: (message: WorkMessage) => void;
  /** The Worker is gone, with all that it had to do; `died` where it did not say so itself. Another is being started. */
  onLost: (cause: Error, died: boolean) => void;
  /** Another is ready. */
  onRestarted: (ready: ReadyMessage) => void;
  /** No other could be started. */
  onGivenUp: (cause: Error) => void;
}

/**
 * Starts a Worker, and another one whenever it fails, with a wait before each attempt.
 *
 * @param setup.start what each of them is to open, asked for when it is started
 * @param setup.delays milliseconds before each attempt; after as many attempts in a row it is given up
 * @throws what the Worker says, if it cannot start the first time
 */
export const openSupervisor = async (
  { script, start, delays, given, sharesMemory }: {
    script: URL;
    start: () => StartOptions;
    delays: readonly number[];
    given?: unknown;
    sharesMemory?: boolean;
  },
  { onMessage, onLost, onRestarted, onGivenUp }: Listeners,
): Promise<Supervisor> => {
  let link: Link | null = null;
  let state: Serving["state"] = "restarting";
  let failure: Error | null = null;
  let restarts = 0;
  let closed: Promise<void> | null = null;
  let onClosed = () => {};

  const launch = () => {
    const { promise, resolve, reject } = Promise.withResolvers<ReadyMessage>();
    link = openLink({ script, start: start(), given, sharesMemory }, {
      onMessage: (message) => {
        if (message.type === "ready") {
          state = "ready";
          resolve(message);
        } else if (message.type === "unready") reject(reviveError(message.error));
        else if (message.type === "broken") lose(reviveError(message.error), false);
        else if (message.type === "closed") onClosed();
        else onMessage(message);
      },
      onDeath: (error) => {
        reject(error);
        if (state === "ready") lose(error, true);
      },
    });
    return promise;
  };

  const lose = (cause: Error, died: boolean) => {
    if (closed) return;
    state = "restarting";
    failure = cause;
    onLost(cause, died);
    restart();
  };

  const restart = async () => {
    for (const delay of delays) {
      link?.end();
      await new Promise((resume) => setTimeout(resume, delay));
      if (closed) return;
      try {
        const ready = await launch();
        if (closed) return;
        restarts++;
        return onRestarted(ready);
      } catch (error) {
        failure = error as Error;
      }
    }
    link?.end();
    state = "failed";
    onGivenUp(failure!);
  };

  const close = async () => {
    const wasReady = state === "ready";
    state = "failed";
    if (wasReady) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, GRACE);
        onClosed = () => (clearTimeout(timer), resolve());
        link!.post({ type: "close" });
      });
    }
    link?.end();
  };

  const ready = await launch().catch((error) => {
    link?.end();
    throw error;
  });

  return {
    ready,
    get state() {
      return state;
    },
    get failure() {
      return failure;
    },
    get restarts() {
      return restarts;
    },
    post: (message) => {
      if (state === "ready") link!.post(message);
    },
    close: () => closed ??= close(),
  };
};
