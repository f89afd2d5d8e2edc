import { TRY_AGAIN } from "../jobs/exit_codes.ts";
import { type Lease, takeLease } from "../jobs/lease/lease.ts";

/** Ends the process at once: what it was about to write is another's to write now. */
const giveUp = (): never => {
  console.error("error: the lease has run out: the worker that held this run is gone, or was paused");
  Deno.exit(TRY_AGAIN);
};

/**
 * Takes a lease from standard input, without which this process ends at once.
 *
 * @returns the lease; `check`, to be called before something is written, does not return if it has run out
 */
export const holdLease = async (): Promise<Lease & { check: () => void }> => {
  const lease = await takeLease(giveUp);
  const check = () => {
    if (!lease.isHeld()) giveUp();
  };
  return { ...lease, check };
};
