import type { ModelInfo } from "./model_info.ts";
import { type FromWorker, reviveError, type StartOptions, type ToWorker } from "./protocol.ts";
import type { ResolvedSampling } from "./resolve.ts";
import type { TaskOptions } from "./task.ts";

/** A preloaded model in a Worker, seen from the thread that started it. */
export interface Sampler {
  readonly info: ModelInfo;
  /**
   * Makes the images of a request: n·H·W·C values in [-1, 1], NHWC.
   *
   * @throws {QueueFullError} if as many images wait as may
   * @throws the signal's reason once it is aborted; an Error if the network fails or the worker has died
   */
  generate(sampling: ResolvedSampling, options?: TaskOptions): Promise<Float32Array>;
  /** Images that were asked for and are not done. */
  readonly pending: number;
  /** Why the worker died; null while it lives. */
  readonly failure: Error | null;
  /** Ends the worker. Whatever is under way fails. */
  close(): void;
}

interface Pending extends TaskOptions {
  readonly n: number;
  readonly resolve: (images: Float32Array) => void;
  readonly reject: (reason: unknown) => void;
}

/**
 * Starts a Worker with a model, and resolves once it is warm.
 *
 * @param script the worker's module, which speaks the messages of protocol.ts
 * @throws {ModelError} (by name) if the folder holds no pipeline that can be read
 */
export const openSampler = (
  options: StartOptions,
  { script = new URL("./worker.ts", import.meta.url) }: { script?: URL } = {},
): Promise<Sampler> => {
  const worker = new Worker(script, { type: "module" });
  const post = (message: ToWorker) => worker.postMessage(message);
  const pending = new Map<number, Pending>();
  const ready = Promise.withResolvers<Sampler>();
  let lastId = 0;
  let failure: Error | null = null;

  const stop = (reason: Error) => {
    failure ??= reason;
    worker.terminate();
    ready.reject(failure);
    for (const { reject } of pending.values()) reject(failure);
    pending.clear();
  };

  const generate: Sampler["generate"] = (sampling, { signal, onStep } = {}) =>
    new Promise((resolve, reject) => {
      if (failure) throw failure;
      signal?.throwIfAborted();
      const id = ++lastId;
      pending.set(id, { n: sampling.n, resolve, reject, onStep });
      post({ type: "generate", id, sampling });
      signal?.addEventListener("abort", () => {
        if (!pending.delete(id)) return;
        post({ type: "cancel", id });
        reject(signal.reason);
      }, { once: true });
    });

  const samplerOf = (info: ModelInfo): Sampler => ({
    info,
    generate,
    get pending() {
      return pending.values().reduce((sum, { n }) => sum + n, 0);
    },
    get failure() {
      return failure;
    },
    close: () => stop(new Error("the sampling worker was closed")),
  });

  worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
    if (data.type === "ready") return ready.resolve(samplerOf(data.info));
    if (data.type === "failed" && data.id === null) return stop(reviveError(data));
    const request = pending.get(data.id!);
    if (data.type === "step") return request?.onStep?.(data.progress);
    pending.delete(data.id!);
    if (data.type === "done") request?.resolve(data.images);
    else request?.reject(reviveError(data));
  };
  worker.onerror = (event) => {
    event.preventDefault();
    stop(new Error(`the sampling worker died: ${event.message}`));
  };
  post({ type: "start", options });
  return ready.promise;
};
