import { type Lease, takeLease } from "../../jobs/lease/lease.ts";
import { TRY_AGAIN } from "../../training/errors.ts";

/** A signal that aborts when standard input ends, which it does when the program that holds its other end is gone. */
export const endOfInput = (): AbortSignal => {
  const controller = new AbortController();
  const drain = async () => {
    for await (const _ of Deno.stdin.readable);
  };
  drain().catch(() => {}).finally(() => controller.abort(new Error("standard input ended")));
  return controller.signal;
};

/** Ends the process at once: what it was about to write is another's to write now. */
const endWithoutLease = (): never => {
  console.error("error: the lease has run out: the worker that held this run is gone, or was paused");
  Deno.exit(TRY_AGAIN);
};

/**
 * Takes a lease from standard input, without which this process ends at once.
 *
 * @returns the lease; `check`, to be called before something is written, does not return if it has run out
 */
export const holdLease = async (): Promise<Lease & { check: () => void }> => {
  const lease = await takeLease(endWithoutLease);
  const check = () => {
    if (!lease.isHeld()) endWithoutLease();
  };
  return { ...lease, check };
};
