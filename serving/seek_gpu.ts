/// <reference lib="deno.worker" />
import type { FromWorker, ToWorker } from "./protocol.ts";

/**
 * Asks the thread that started this Worker whether WebGPU reaches a graphics card.
 *
 * A Worker that asks for adapters itself holds Vulkan's drivers until its thread is gone, and a process that ends while
 * it goes crashes within Mesa's lavapipe (7 of 100 times, where the Worker is terminated just before the end).
 */
export const seekGpu = (): Promise<boolean> => {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const listener = ({ data }: MessageEvent<ToWorker>) => {
    if (data.type !== "gpu") return;
    self.removeEventListener("message", listener);
    resolve(data.found);
  };
  self.addEventListener("message", listener);
  self.postMessage({ type: "seeks-gpu" } satisfies FromWorker);
  return promise;
};
