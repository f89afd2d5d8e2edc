import type { RunStorage } from "./storage.ts";

/** Runs in folders that all who go on with them can see: nothing has to be carried. */
const FOLDERS: RunStorage = {
  description: "the runs' folders",
  fetch: () => Promise.resolve(),
  push: () => Promise.resolve(),
};

/**
 * Opens the storage of runs. What it takes is imported only where it is asked for.
 *
 * @param url `s3://bucket` or `s3://bucket/prefix`; absent: the runs' own folders, on this machine or a shared disk
 * @param options.environment reads an environment variable: those of `s3Settings`
 * @throws {RangeError} if the address is of another kind, or a variable that it needs is absent
 */
export const openStorage = async (
  url: string | undefined,
  { environment = (name) => Deno.env.get(name) }: { environment?: (name: string) => string | undefined } = {},
): Promise<RunStorage> => {
  if (url === undefined) return FOLDERS;
  if (!url.startsWith("s3://")) {
    throw new RangeError(`storage must be s3://bucket/prefix, received ${JSON.stringify(url)}`);
  }
  const { openS3Storage } = await import("./s3_storage.ts");
  return openS3Storage(url, environment);
};
