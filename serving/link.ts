import type { FromWorker, ToWorker } from "./protocol.ts";

/** A Worker, seen from the thread that started it. After `end` nothing is heard of it any more. */
export interface Link {
  post(message: ToWorker): void;
  end(): void;
}

/**
 * Starts a Worker.
 *
 * @param script the worker's module, which speaks the messages of protocol.ts
 * @param listeners.onDeath is told why the Worker died by itself
 */
export const openLink = (
  script: URL,
  { onMessage, onDeath }: { onMessage: (message: FromWorker) => void; onDeath: (error: Error) => void },
): Link => {
  const worker = new Worker(script, { type: "module" });
  let ended = false;
  const end = () => {
    ended = true;
    worker.terminate();
  };
  worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
    if (!ended) onMessage(data);
  };
  worker.onerror = (event) => {
    event.preventDefault();
    if (ended) return;
    end();
    onDeath(new Error(`the sampling worker died: ${event.message}`));
  };
  return { post: (message) => worker.postMessage(message), end };
};
