import { type Dataset, type DatasetParts, partsOf } from "../datasets/dataset.ts";
import { type ErrorDescription, reviveError } from "../sampling/errors.ts";
import { allocateMicroBatch, type BatchPlan, type MicroBatch } from "./micro_batch.ts";

/** What the loader's Worker receives: first where things lie, then which part to prepare into which slot. */
export type LoaderRequest =
  | { readonly dataset: DatasetParts; readonly plan: BatchPlan; readonly slots: readonly MicroBatch[] }
  | { readonly slot: number; readonly step: number; readonly part: number };

/** What it answers: a slot that is ready, or what went wrong. */
export type LoaderReply = { readonly slot: number } | { readonly error: ErrorDescription };

/** Parts of batches, one after the other, each prepared by a thread of its own while the one before is in use. */
export interface Loader extends Disposable {
  /**
   * The next part, which holds until the next call.
   *
   * @throws {Error} what went wrong in preparing it
   */
  next(): Promise<MicroBatch>;
}

/** A slot in use, and one that is being filled. */
const SLOTS = 2;

/**
 * Starts a loader.
 *
 * @param options.step the step whose first part comes first
 */
export const createLoader = (dataset: Dataset, plan: BatchPlan, { step }: { step: number }): Loader => {
  const parts = plan.batch / plan.microBatch;
  const slots = Array.from({ length: SLOTS }, () => allocateMicroBatch(dataset, plan));
  const worker = new Worker(new URL("./loader_worker.ts", import.meta.url), { type: "module", name: "loader" });
  const post = (message: LoaderRequest) => worker.postMessage(message);
  let index = step * parts;
  let ready: PromiseWithResolvers<MicroBatch>;

  const requestNext = () => {
    ready = Promise.withResolvers();
    // Whoever waits learns of it; until somebody does, it is no unhandled rejection.
    ready.promise.catch(() => {});
    post({ slot: index % SLOTS, step: Math.floor(index / parts), part: index % parts });
    index++;
  };
  worker.onmessage = ({ data }: MessageEvent<LoaderReply>) =>
    "error" in data ? ready.reject(reviveError(data.error)) : ready.resolve(slots[data.slot]);
  worker.onerror = (event) => {
    event.preventDefault();
    ready.reject(new Error(`the thread that prepares batches has ended: ${event.message}`));
  };

  post({ dataset: partsOf(dataset), plan, slots });
  requestNext();
  return {
    next: async () => {
      const part = await ready.promise;
      requestNext();
      return part;
    },
    [Symbol.dispose]: () => worker.terminate(),
  };
};
