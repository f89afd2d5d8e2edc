import { type ApiKey, parseKeys } from "../routes/access/keys.ts";
import { UsageError } from "./usage_error.ts";

/**
 * The keys that DENOISE_API_KEYS holds.
 *
 * @throws {UsageError} if they cannot be parsed
 * @throws {Deno.errors.NotCapable} if the variable may not be read: whether there are keys must not be guessed
 */
export const apiKeys = (): ApiKey[] => {
  try {
    return parseKeys(Deno.env.get("DENOISE_API_KEYS") ?? "");
  } catch (cause) {
    if (cause instanceof SyntaxError) throw new UsageError(cause.message, { cause });
    throw cause;
  }
};
