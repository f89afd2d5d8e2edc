import { hasGpu } from "../engine/webgpu/adapter.ts";
import type { FromWorker, StartOptions, ToWorker } from "./protocol.ts";

/** A Worker, seen from the thread that started it. After `end` nothing is heard of it any more. */
export interface Link {
  post(message: Exclude<ToWorker, { type: "start" | "gpu" }>): void;
  end(): void;
}

/**
 * Starts a Worker, and has it start.
 *
 * @param script the worker's module, which speaks the messages of protocol.ts
 * @param listeners.onDeath is told why the Worker died by itself
 */
export const openLink = (
  { script, start }: { script: URL; start: StartOptions },
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
  const sent = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  post({ type: "start", options: start, sent });
  return {
    post: (message) => {
      post(message);
      Atomics.add(sent, 0, 1);
    },
    end,
  };
};
