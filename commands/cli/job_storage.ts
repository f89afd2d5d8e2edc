import { z } from "zod";
import { openStorage } from "../../jobs/storage/open_storage.ts";
import type { RunStorage } from "../../jobs/storage/storage.ts";
import { UsageError } from "./command.ts";

/** Where runs are kept, for the commands that start jobs. */
export const storageOption = z.string().min(1).optional()
  .describe("Storage for a copy of the runs, so that another machine can continue them: s3://bucket/prefix");

/**
 * The storage that `--storage` names.
 *
 * @throws {UsageError} if it cannot be one, or a variable that it needs is absent
 */
export const runStorage = async (url: string | undefined): Promise<RunStorage> => {
  try {
    return await openStorage(url);
  } catch (cause) {
    if (cause instanceof RangeError) throw new UsageError(cause.message, { cause });
    throw cause;
  }
};

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
