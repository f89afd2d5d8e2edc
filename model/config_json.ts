import type { z } from "zod";
import { ModelError, quoteValue } from "./error.ts";

const TOKEN = /"(?:[^"\\]|\\.)*"|-?Infinity|NaN/g;

/**
 * Parses JSON as Python's `json` writes it: with Infinity, −Infinity and NaN, which JSON lacks, and which are read as
 * null. diffusers' solvers have one in their configurations (`lambda_min_clipped`).
 *
 * @throws {SyntaxError} if it is not JSON for any other reason
 */
export const parsePythonJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch (error) {
    const finite = text.replace(TOKEN, (token) => token.startsWith('"') ? token : "null");
    if (finite === text) throw error;
    return JSON.parse(finite);
  }
};

/**
 * Checks a configuration read from disk against its schema.
 *
 * @param what the configuration's name in the message
 * @throws {ModelError} that names the key, what was received and what is allowed
 */
export const parseConfig = <T>(schema: z.ZodType<T>, json: unknown, what: string): T => {
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const [{ path, message }] = parsed.error.issues;
  const value = path.reduce<unknown>((at, key) => (at as Record<PropertyKey, unknown> | undefined)?.[key], json);
  throw new ModelError(`Cannot use this ${what}: ${path.join(".") || "it"}: ${message}, received ${quoteValue(value)}`);
};
