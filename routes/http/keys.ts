import type { MiddlewareHandler } from "hono";
import { createHash, timingSafeEqual } from "node:crypto";
import type { Guesses } from "./guesses.ts";
import { problem } from "./problem.ts";

declare module "hono" {
  interface ContextVariableMap {
    /** Wrong keys that were sent to this server. */
    guesses: Guesses;
  }
}

/** What a key may be allowed to do: draw images, train models, read the server's measurements. */
const RIGHTS = ["generate", "jobs", "metrics"] as const;

/** One of `RIGHTS`. */
export type Right = typeof RIGHTS[number];

/** A key as the server holds it: its digest, not itself. */
export interface ApiKey {
  /** Its position in the list, by which logs name it. */
  readonly name: string;
  readonly digest: Uint8Array;
  readonly rights: ReadonlySet<Right>;
}

const digestOf = (key: string): Uint8Array => createHash("sha256").update(key).digest();

/** The characters that RFC 6750 allows in a bearer token. */
const TOKEN = /^[A-Za-z0-9\-._~+/]+=*$/;

const isRight = (text: string): text is Right => (RIGHTS as readonly string[]).includes(text);

/**
 * Reads a list of keys: `KEY:RIGHT,RIGHT`, several separated by spaces. Messages name a key by its position, never by its
 * text.
 *
 * @returns the keys in their order; none for an empty text
 * @throws {SyntaxError} if an entry is no key with its rights, or a key stands there twice
 */
export const parseKeys = (text: string): ApiKey[] => {
  const refuse = (position: number, reason: string): never => {
    throw new SyntaxError(
      `DENOISE_API_KEYS must hold KEY:RIGHT,RIGHT … separated by spaces; entry ${position} ${reason}`,
    );
  };
  const keys = text.split(/\s+/).filter((entry) => entry !== "").map((entry, i): ApiKey => {
    const end = entry.lastIndexOf(":");
    if (end < 0) refuse(i + 1, `names no right (${RIGHTS.join(", ")})`);
    const key = entry.slice(0, end);
    if (!TOKEN.test(key)) refuse(i + 1, "must have a key of letters, digits and -._~+/");
    const rights = entry.slice(end + 1).split(",").map((right) =>
      isRight(right) ? right : refuse(i + 1, `has a right ${JSON.stringify(right)}; there are ${RIGHTS.join(", ")}`)
    );
    return { name: `key ${i + 1}`, digest: digestOf(key), rights: new Set(rights) };
  });
  keys.forEach(({ digest }, i) => {
    if (keys.slice(0, i).some((other) => timingSafeEqual(other.digest, digest))) {
      refuse(i + 1, "has an earlier one's key");
    }
  });
  return keys;
};

/** The key that a caller presents, or null. Takes the same time whichever it is, and for one that is none. */
export const findKey = (keys: readonly ApiKey[], presented: string): ApiKey | null => {
  const digest = digestOf(presented);
  let found: ApiKey | null = null;
  for (const key of keys) if (timingSafeEqual(key.digest, digest)) found = key;
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
