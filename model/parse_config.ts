import type { z } from "zod";
import { ModelError, quoteValue } from "./error.ts";

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
