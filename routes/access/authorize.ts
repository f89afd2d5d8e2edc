import type { MiddlewareHandler } from "hono";
import { problem } from "../problem.ts";
import { type ApiKey, findKey, type Right } from "./keys.ts";

const BEARER = /^Bearer +([A-Za-z0-9\-._~+/]+=*) *$/i;

/** Lets a request through that presents a key with the right (RFC 6750); all requests, where there are no keys. */
export const requireRight = (keys: readonly ApiKey[], right: Right): MiddlewareHandler => async (c, next) => {
  if (keys.length === 0) return await next();
  const challenge = (error?: string) => ({
    headers: { "www-authenticate": `Bearer realm="denoise"${error ? `, error="${error}"` : ""}` },
  });
  const header = c.req.header("authorization");
  const presented = header === undefined ? undefined : BEARER.exec(header)?.[1];
  const key = presented === undefined ? null : findKey(keys, presented);
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
