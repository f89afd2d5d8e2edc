/**
 * Who comes first: the order in which requests would end if all of them shared the engine equally (the fair sojourn
 * protocol, Friedman & Henderson 2003). A short request passes long ones; and none starves: once the time is over that it
 * would have needed with its equal share, it comes first until it ends.
 *
 * Virtual time is the work that each request would have got with equal shares. A request that comes at time V with work w
 * ends at V + w in that order, whatever comes later: so its place is known at once, and fixed.
 */
export interface VirtualTime {
  /** When a request of `work` rows that comes now would end. */
  endOf(work: number): number;
  /** Moves on by `rows` of work that was done, which `requests` would have shared. */
  advance(rows: number, requests: number): void;
}

/** Starts at 0. */
export const createVirtualTime = (): VirtualTime => {
  let time = 0;
  return {
    endOf: (work) => time + work,
    advance: (rows, requests) => {
      time += rows / Math.max(1, requests);
    },
  };
};
