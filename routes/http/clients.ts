import type { Context } from "hono";

/** A client has as many requests under way as it may. */
export class TooManyRequestsError extends Error {
  override name = "TooManyRequestsError";
}

declare module "hono" {
  interface ContextVariableMap {
    /** Name of the key that came with the request, where there are keys. */
    key?: string;
    /** Address that the request came from. */
    address: string;
  }
}

/** Who asks: the key where there are keys, else the address. */
export const clientOf = (c: Context): string => c.get("key") ?? c.get("address");

/** Counts the requests that each client has under way. */
export interface Clients {
  /**
   * Takes a place, until it is disposed.
   *
   * @throws {TooManyRequestsError} if the client has as many as it may
   */
  take(client: string): Disposable;
  /** Clients with a request under way. */
  readonly count: number;
}

/**
 * Makes the count.
 *
 * @param most requests that a client may have under way; 0 is any number
 */
export const createClients = (most: number): Clients => {
  const underWay = new Map<string, number>();
  const leave = (client: string) => {
    const left = underWay.get(client)! - 1;
    if (left === 0) underWay.delete(client);
    else underWay.set(client, left);
  };
  return {
    take: (client) => {
      const count = underWay.get(client) ?? 0;
      if (most > 0 && count >= most) {
        throw new TooManyRequestsError(`a client may have ${most} requests under way, and this one has`);
      }
      underWay.set(client, count + 1);
      let left = false;
      return {
        [Symbol.dispose]: () => {
          if (!left) leave(client);
          left = true;
        },
      };
    },
    get count() {
      return underWay.size;
    },
  };
};
