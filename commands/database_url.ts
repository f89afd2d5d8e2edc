import { UsageError } from "./usage_error.ts";

/**
 * The database that DATABASE_URL names; undefined if it is not set.
 *
 * @throws {UsageError} if it is no address of PostgreSQL
 * @throws {Deno.errors.NotCapable} if the variable may not be read: where jobs are must not be guessed
 */
export const databaseUrl = (): string | undefined => {
  const url = Deno.env.get("DATABASE_URL") || undefined;
  if (url === undefined || /^postgres(ql)?:$/.test(URL.parse(url)?.protocol ?? "")) return url;
  // It may hold a password, so it is not repeated.
  throw new UsageError("DATABASE_URL must be postgres://user:password@host:port/database, received another kind");
};
