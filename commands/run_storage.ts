import { openStorage } from "../jobs/storage/open_storage.ts";
import type { RunStorage } from "../jobs/storage/storage.ts";
import { UsageError } from "./usage_error.ts";

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
