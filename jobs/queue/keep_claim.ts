import { type Claim, renewClaim } from "./claim.ts";
import type { Session } from "./database.ts";
import { LEASE } from "./turns.ts";
import type { Watch } from "./watch.ts";

/** Milliseconds from one renewal to the next. */
const RENEW = 2000;

/** The least; a job that changes is looked at sooner. */
const SOON = 500;

/** Milliseconds before the lease's end at which a process is asked to write its checkpoint. */
const MARGIN = 4000;

/** What the process of a claim is told. */
export interface Held {
  renew(until: number): void;
  /** The job is to be stopped. */
  onStop(): void;
  /** The database does not answer, and the lease is about to end. */
  onCutOff(): void;
  /** The job is not this worker's any more. */
  onLost(): void;
}

const pause = (milliseconds: number) => new Promise<void>((resume) => setTimeout(resume, milliseconds));

const inTime = <T>(work: Promise<T>): Promise<T> => {
  work.catch(() => {});
  return Promise.race([
    work,
    pause(RENEW).then(() => {
      throw new Error("no answer in time");
    }),
  ]);
};

/**
 * Renews a claim until `over` aborts. What the process is told never reaches beyond what the database holds: the time is
 * taken before the question, so that an answer that comes late, or to a worker that was paused, lets nobody write.
 *
 * @param touch tells pg-boss as well
 */
export const keepClaim = async (
  session: Session,
  watch: Watch,
  claim: Claim,
  held: Held,
  { until: first, touch, over }: { until: number; touch: () => Promise<unknown>; over: AbortSignal },
): Promise<void> => {
  const ended = new Promise<void>((resolve) => over.addEventListener("abort", () => resolve(), { once: true }));
  let until = first;
  while (!over.aborted) {
    const asked = Date.now();
    try {
      const state = await inTime(renewClaim(session, claim));
      if (state === null) return held.onLost();
      until = asked + LEASE * 1000;
      held.renew(until);
      if (state === "stopping") held.onStop();
      await inTime(touch());
    } catch {
      // The lease decides.
    }
    const left = until - Date.now();
    if (left <= 0) return held.onLost();
    if (left < MARGIN) held.onCutOff();
    await Promise.race([Promise.all([watch.changed(RENEW, claim.id), pause(SOON)]), ended]);
  }
};
