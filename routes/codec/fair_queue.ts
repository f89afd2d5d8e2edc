/** What waits for one server that does a thing at a time, in an order that is fair to clients. */
export interface FairQueue<T> {
  add(client: string, item: T): void;
  /** Takes an item out before its turn; nothing where it is not there any more. */
  remove(client: string, item: T): void;
  /** The next item: the first of the client who has had the least time. */
  next(): { readonly client: string; readonly item: T } | null;
  /** Notes what an item took. */
  charge(client: string, time: number): void;
  /** Takes all out, in no order. */
  drain(): T[];
}

interface Share<T> {
  /** Time that was given to the client, on a clock that never goes slower than anybody's. */
  used: number;
  readonly items: T[];
}

/**
 * Makes an empty queue: start-time fair queueing (Goyal, Vin & Cheng 1996), each client's items in their order. Who comes
 * after a while of silence has no claim to the time that went by; so nobody is before him but what is being done, and
 * those who have had less than what has been given since.
 */
export const createFairQueue = <T>(): FairQueue<T> => {
  const shares = new Map<string, Share<T>>();
  let clock = 0;

  const shareOf = (client: string): Share<T> => {
    const known = shares.get(client);
    if (known) return known;
    const share: Share<T> = { used: clock, items: [] };
    shares.set(client, share);
    return share;
  };

  return {
    add: (client, item) => {
      const share = shareOf(client);
      if (share.items.length === 0) share.used = Math.max(share.used, clock);
      share.items.push(item);
    },
    remove: (client, item) => {
      const items = shares.get(client)?.items ?? [];
      const at = items.indexOf(item);
      if (at >= 0) items.splice(at, 1);
    },
    next: () => {
      let least: [client: string, share: Share<T>] | null = null;
      for (const [client, share] of shares) {
        if (share.items.length === 0) {
          if (share.used <= clock) shares.delete(client);
        } else if (least === null || share.used < least[1].used) {
          least = [client, share];
        }
      }
      if (least === null) {
        // Nobody is ahead of anybody who may come.
        shares.clear();
        clock = 0;
        return null;
      }
      const [client, share] = least;
      clock = share.used;
      return { client, item: share.items.shift()! };
    },
    charge: (client, time) => {
      shareOf(client).used += time;
    },
    drain: () => shares.values().toArray().flatMap(({ items }) => items.splice(0)),
  };
};
