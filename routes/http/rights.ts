import type { MiddlewareHandler } from "hono";
import type { Guesses } from "./guesses.ts";
import { problem } from "./problem.ts";

declare module "hono" {
  interface ContextVariableMap {
    /** Wrong keys that were sent to this server. */
    guesses: Guesses;
  }
}

/** What a key may be allowed to do: draw images, train models, read the server's measurements. */
export const RIGHTS = ["generate", "jobs", "metrics"] as const;

/** One of `RIGHTS`. */
export type Right = typeof RIGHTS[number];

/** A key as the server holds it: what tells it from others, not itself. */
export interface ApiKey {
  /** Its position in the list, by which logs name it. */
  readonly name: string;
  /** Whether it is the one that a caller presents. Takes the same time whichever is presented. */
  readonly matches: (presented: string) => boolean;
  readonly rights: ReadonlySet<Right>;
}

/** The key that a caller presents, or null. Takes the same time whichever it is, and for one that is none. */
export const findKey = (keys: readonly ApiKey[], presented: string): ApiKey | null => {
  let found: ApiKey | null = null;
  for (const key of keys) if (key.matches(presented)) found = key;
  return found;
};

const BEARER_HEADER = /^Bearer +([A-Za-z0-9\-._~+/]+=*) *$/i;

/**
 * Lets a request through that presents a key with the right (RFC 6750); all requests, where there are no keys. An address
 * that has sent many wrong ones waits longer and longer for its answers, and is told when to come again. A right key passes
 * whatever its address did: many may share one.
 */
export const requireRight = (keys: readonly ApiKey[], right: Right): MiddlewareHandler => async (c, next) => {
  if (keys.length === 0) return await next();
  const challenge = (error?: string) => ({
    headers: { "www-authenticate": `Bearer realm="denoise"${error ? `, error="${error}"` : ""}` },
  });
  const header = c.req.header("authorization");
  const presented = header === undefined ? undefined : BEARER_HEADER.exec(header)?.[1];
  const key = presented === undefined ? null : findKey(keys, presented);
  if (key === null && presented !== undefined) {
    const { guesses, address } = c.var;
    const { delay, retryAfter } = guesses.add(address);
    if (delay > 0) {
      await guesses.hold(address, delay);
      const detail = "the key is wrong, and many were that came from this address";
      return problem(c, 429, detail, { headers: { "retry-after": String(retryAfter) } });
    }
  }
  if (key === null) {
    const detail = header === undefined
      ? "send a key: Authorization: Bearer KEY"
      : "the Authorization header must be Bearer with one of this server's keys";
    return problem(c, 401, detail, challenge(header === undefined ? undefined : "invalid_token"));
  }
  if (!key.rights.has(right)) {
    return problem(c, 403, `this key lacks the right ${right}`, challenge("insufficient_scope"));
  }
  c.set("key", key.name);
  await next();
};
