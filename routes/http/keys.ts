import { createHash, timingSafeEqual } from "node:crypto";
import { type ApiKey, type Right, RIGHTS } from "./rights.ts";

const digestOf = (key: string): Uint8Array => createHash("sha256").update(key).digest();

/** What tells a key from others, in the same time whichever it is: its digest is held, not itself. */
const matcherOf = (key: string): ApiKey["matches"] => {
  const digest = digestOf(key);
  return (presented) => timingSafeEqual(digest, digestOf(presented));
};

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
  const entries = text.split(/\s+/).filter((entry) => entry !== "");
  const keyIn = (entry: string) => entry.slice(0, entry.lastIndexOf(":"));
  const keys = entries.map((entry, i): ApiKey => {
    const end = entry.lastIndexOf(":");
    if (end < 0) refuse(i + 1, `names no right (${RIGHTS.join(", ")})`);
    const key = keyIn(entry);
    if (!TOKEN.test(key)) refuse(i + 1, "must have a key of letters, digits and -._~+/");
    const rights = entry.slice(end + 1).split(",").map((right) =>
      isRight(right) ? right : refuse(i + 1, `has a right ${JSON.stringify(right)}; there are ${RIGHTS.join(", ")}`)
    );
    return { name: `key ${i + 1}`, matches: matcherOf(key), rights: new Set(rights) };
  });
  entries.map(keyIn).forEach((key, i) => {
    if (keys.slice(0, i).some(({ matches }) => matches(key))) refuse(i + 1, "has an earlier one's key");
  });
  return keys;
};
