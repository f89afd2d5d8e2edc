import type { Context } from "hono";

/** A client has as many requests under way as it may. */
export class TooManyRequestsError extends Error {
  override name = "TooManyRequestsError";

  /** @param retryAfter seconds after which one of them is expected to have ended */
  constructor(message: string, readonly retryAfter: number) {
    super(message);
  }
}

/** What a request weighs, in what requests are taken to last, against all before it. */
const WEIGHT = 0.1;

declare module "hono" {
  interface ContextVariableMap {
    /** Name of the key that came with the request, where there are keys. */
    key?: string;
    /** Address that the request came from. */
    address: string;
  }
}

/**
 * The network that an address is in, as far as it is one client's: of IPv6 the first 64 bits, all of whose addresses one
 * machine may have; IPv4 as it is, as IPv6 too.
 */
export const networkOf = (address: string): string => {
  const [bare] = address.split("%");
  const url = URL.parse(`http://[${bare}]`);
  if (url === null) return address;
  const { hostname } = url;
  const [head, tail = ""] = hostname.slice(1, -1).split("::").map((part) => part.split(":").filter(Boolean));
  const groups = [...head, ...Array(8 - head.length - tail.length).fill("0"), ...tail].map((group) =>
    parseInt(group, 16)
  );
  const isIPv4 = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;
  if (isIPv4) return groups.slice(6).flatMap((group) => [group >> 8, group & 0xff]).join(".");
  return `${groups.slice(0, 4).map((group) => group.toString(16)).join(":")}::/64`;
};

/** Who asks: the key where there are keys, else the network of the address. */
export const clientOf = (c: Context): string => c.get("key") ?? networkOf(c.get("address"));

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
 * @param options.now milliseconds, of a clock that never goes back
 */
export const createClients = (
  most: number,
  { now = () => performance.now() }: { now?: () => number } = {},
): Clients => {
  /** When each request began, the oldest first. */
  const underWay = new Map<string, Set<{ readonly began: number }>>();
  /** Milliseconds that requests have lasted of late; null before the first has ended. */
  let usual: number | null = null;

  const expectedEnd = (requests: Iterable<{ readonly began: number }>): number => {
    if (usual === null) return 1;
    const [{ began }] = requests;
    const left = began + usual - now();
    // The oldest lasts longer than usual: of so many, one ends every now and then.
    return Math.max(1, Math.ceil((left > 0 ? left : usual / most) / 1000));
  };
  const leave = (client: string, request: { readonly began: number }) => {
    const requests = underWay.get(client)!;
    requests.delete(request);
    const lasted = now() - request.began;
    usual = usual === null ? lasted : usual + WEIGHT * (lasted - usual);
    if (requests.size === 0) underWay.delete(client);
  };
  return {
    take: (client) => {
      const requests = underWay.get(client) ?? new Set();
      if (most > 0 && requests.size >= most) {
        const message = `a client may have ${most} requests under way, and this one has`;
        throw new TooManyRequestsError(message, expectedEnd(requests));
      }
      const request = { began: now() };
      underWay.set(client, requests.add(request));
      let left = false;
      return {
        [Symbol.dispose]: () => {
          if (!left) leave(client, request);
          left = true;
        },
      };
    },
    get count() {
      return underWay.size;
    },
  };
};
