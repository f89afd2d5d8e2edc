import type { Context } from "hono";
import { DeadlineError } from "../../serving/serving.ts";
import { CanceledError, StoppingError } from "./problem.ts";

/** How long what is done for a request is wanted: until its time is over, its client goes away, or the server stops. */
export interface Lifetime extends Disposable {
  /** Aborts at its end, with the reason: DeadlineError, CanceledError or StoppingError. Whatever waits for anything heeds it. */
  readonly signal: AbortSignal;
  /** Milliseconds until its time is over. */
  readonly left: number;
  /**
   * Makes it shorter, counted from its beginning.
   *
   * @throws {DeadlineError} if it is over then
   */
  shorten(seconds: number): void;
  /** Ends it. */
  end(reason: Error): void;
  /** The client's going away ends it no more. */
  outlive(): void;
  /** Nothing ends it any more: it has been done. */
  [Symbol.dispose](): void;
}

/**
 * Begins a request's lifetime.
 *
 * @param options.seconds that it may take
 * @param options.stopping aborts when the server stops
 */
export const beginLifetime = (
  c: Context,
  { seconds: most, stopping }: { seconds: number; stopping: AbortSignal },
): Lifetime => {
  const { signal: connection } = c.req.raw;
  // It began with waiting for the models to be loaded.
  const waited = c.get("waited") ?? 0;
  const began = performance.now() - waited * 1000;
  const controller = new AbortController();
  const end = (reason: Error) => controller.abort(reason);
  const onGone = () => end(new CanceledError("the client went away"));
  const onStop = () => end(new StoppingError("the server is stopping"));
  let timer: ReturnType<typeof setTimeout> | undefined;
  let over = Infinity;

  const shorten = (seconds: number) => {
    clearTimeout(timer);
    over = began + seconds * 1000;
    const left = over - performance.now();
    if (left > 0) {
      timer = setTimeout(() => end(new DeadlineError(`it was not done in ${seconds} s`)), left);
      return;
    }
    end(
      new DeadlineError(
        waited >= seconds ? `the models were not loaded in ${seconds * 1000} ms` : `it was not begun in ${seconds} s`,
      ),
    );
    controller.signal.throwIfAborted();
  };
  const outlive = () => connection.removeEventListener("abort", onGone);

  connection.addEventListener("abort", onGone, { once: true });
  stopping.addEventListener("abort", onStop, { once: true });
  if (stopping.aborted) onStop();
  if (connection.aborted) onGone();
  const lifetime: Lifetime = {
    signal: controller.signal,
    get left() {
      return Math.max(0, over - performance.now());
    },
    shorten,
    end,
    outlive,
    [Symbol.dispose]: () => {
      clearTimeout(timer);
      outlive();
      stopping.removeEventListener("abort", onStop);
    },
  };
  try {
    shorten(most);
    controller.signal.throwIfAborted();
  } catch (error) {
    lifetime[Symbol.dispose]();
    throw error;
  }
  return lifetime;
};
