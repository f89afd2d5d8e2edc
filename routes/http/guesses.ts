import { networkOf } from "./clients.ts";

/** Seconds after which one of them is forgiven. */
const FORGIVEN_AFTER = 6;

/** Wrong keys beyond the free ones that are held against an address at most, so that it waits a minute at most. */
const MOST_BEYOND = 10;

/** Addresses that are remembered. */
const MOST_ADDRESSES = 10_000;

/** Answers that are held back at a time, to one address and to all. */
const MOST_DELAYED = { address: 64, all: 256 };

/** What an address has to bear for a wrong key. */
export interface Penalty {
  /** Milliseconds that its answer is held back. */
  readonly delay: number;
  /** Seconds after which another wrong key would be told to be one; 0 where it has not to wait. */
  readonly retryAfter: number;
}

/** Counts wrong keys by the address that sends them. */
export interface Guesses {
  /** Counts one, and tells what comes of it. */
  add(address: string): Penalty;
  /** Holds an answer back; at once over where many are. */
  hold(address: string, delay: number): Promise<void>;
  /** Addresses that are remembered. */
  readonly count: number;
}

interface Sender {
  /** Wrong keys that are held against it, as they were then. */
  wrong: number;
  at: number;
}

/**
 * Makes the count.
 *
 * @param free wrong keys that an address may send before it has to wait
 * @param now milliseconds of a clock that never goes back
 */
export const createGuesses = (free: number, now: () => number = () => performance.now()): Guesses => {
  /** The one that was seen last is the last. */
  const senders = new Map<string, Sender>();
  const delayed = new Map<string, number>();
  let allDelayed = 0;

  return {
    add: (address) => {
      const key = networkOf(address);
      const at = now();
      const sender = senders.get(key) ?? { wrong: 0, at };
      const left = Math.max(0, sender.wrong - (at - sender.at) / (FORGIVEN_AFTER * 1000));
      const wrong = Math.min(free + MOST_BEYOND, left + 1);
      senders.delete(key);
      senders.set(key, { wrong, at });
      if (senders.size > MOST_ADDRESSES) senders.delete(senders.keys().next().value!);
      if (wrong <= free) return { delay: 0, retryAfter: 0 };
      return { delay: 100 * (wrong - free), retryAfter: Math.ceil((wrong + 1 - free) * FORGIVEN_AFTER) };
    },
    hold: async (address, delay) => {
      const key = networkOf(address);
      const own = delayed.get(key) ?? 0;
      if (own >= MOST_DELAYED.address || allDelayed >= MOST_DELAYED.all) return;
      delayed.set(key, own + 1);
      allDelayed++;
      await new Promise((resume) => setTimeout(resume, delay));
      const left = delayed.get(key)! - 1;
      if (left === 0) delayed.delete(key);
      else delayed.set(key, left);
      allDelayed--;
    },
    get count() {
      return senders.size;
    },
  };
};
