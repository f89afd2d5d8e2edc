import type { Counters, Ending } from "./counters.ts";
import { DeadlineError } from "./errors.ts";
import type { SamplingRequest } from "./request.ts";
import type { RunOptions, TaskEvent } from "./serving.ts";

/** The longest time that a timer can take. */
const MAX_DELAY = 2 ** 31 - 1;

/** A request that is under way. */
export interface Pending {
  /** The request's name in errors. */
  readonly id: string;
  /** The model's key. */
  readonly model: number;
  readonly request: SamplingRequest;
  readonly previews: number;
  readonly onEvent?: (event: TaskEvent) => void;
  /** Whether the network may have been asked for it. */
  hasStarted: boolean;
  readonly promise: Promise<Float32Array<ArrayBuffer>>;
  resolve(images: Float32Array<ArrayBuffer>): void;
  reject(reason: unknown, how: Ending): void;
}

/**
 * Takes a request under way: from now on its signal and its deadline are heard, until it ends.
 *
 * @param onEnd called when it ends; `cancelled` where the Worker does not know of it yet
 */
export const createPending = (
  { id = crypto.randomUUID(), model, request, signal, previews = 0, deadline, onEvent }:
    & { model: number; request: SamplingRequest }
    & RunOptions,
  { counters, onEnd }: { counters: Counters; onEnd: (cancelled: boolean) => void },
): Pending => {
  const { promise, resolve, reject } = Promise.withResolvers<Float32Array<ArrayBuffer>>();
  const { n } = request.sampling;
  let hasEnded = false;

  const end = (how: Ending): boolean => {
    if (hasEnded) return false;
    hasEnded = true;
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
    counters.end(n, how);
    onEnd(how === "aborted" || how === "expired");
    return true;
  };
  const refuse = (reason: unknown, how: Ending) => {
    if (end(how)) reject(reason);
  };
  const abort = () => refuse(signal!.reason, "aborted");
  const expire = () => refuse(new DeadlineError(`the images were not done in ${deadline} ms`), "expired");

  const timer = deadline === undefined || deadline > MAX_DELAY ? undefined : setTimeout(expire, deadline);
  signal?.addEventListener("abort", abort, { once: true });
  counters.begin(n);

  return {
    id,
    model,
    request,
    previews,
    onEvent,
    hasStarted: false,
    promise,
    resolve: (images) => {
      if (end("finished")) resolve(images);
    },
    reject: refuse,
  };
};
