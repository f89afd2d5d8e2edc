/** What the thread that reads renewals says: the first has come; no more will. */
export type LeaseMessage = "granted" | "ended";

/** Milliseconds from one look at the lease to the next. */
const LOOK = 100;

/** Leave to write into a run's folder, for as long as a worker renews it. */
export interface Lease extends Disposable {
  /** Aborts when the worker has closed its end: it is gone, or gives the job up. */
  readonly ended: AbortSignal;
  /** Whether the lease holds now. It may have run out while this process was paused. */
  isHeld(): boolean;
}

/**
 * Takes a lease from standard input, where each line renews it: the time until which it holds, in milliseconds since 1970.
 * A process that a worker pauses, or that is paused itself, finds out by the clock that its time is over.
 *
 * @param onLost called once, when the lease has run out
 * @returns the lease, once its first line has come
 * @throws {Error} if standard input ends first
 */
export const takeLease = async (onLost: () => void): Promise<Lease> => {
  const reader = new Worker(new URL("./lease_reader.ts", import.meta.url), { type: "module", name: "lease" });
  const until = new BigInt64Array(new SharedArrayBuffer(8));
  const granted = Promise.withResolvers<void>();
  const ended = new AbortController();
  reader.onmessage = ({ data }: MessageEvent<LeaseMessage>) => {
    if (data === "granted") granted.resolve();
    else ended.abort(new Error("standard input ended"));
    granted.reject(new Error("standard input ended before the lease began"));
  };
  reader.postMessage(until.buffer);
  try {
    await granted.promise;
  } catch (error) {
    reader.terminate();
    throw error;
  }
  const isHeld = () => Date.now() < Number(Atomics.load(until, 0));
  const timer = setInterval(() => {
    if (isHeld()) return;
    clearInterval(timer);
    onLost();
  }, LOOK);
  return {
    ended: ended.signal,
    isHeld,
    [Symbol.dispose]: () => {
      clearInterval(timer);
      reader.terminate();
    },
  };
};
