import { fromFileUrl } from "@std/path";

const RUNS = fromFileUrl(new URL("../../runs/", import.meta.url));

const { state } = await Deno.permissions.query({ name: "write", path: RUNS });

/** What stands in the way of tests that write files, or "" for nothing. */
export const reasonNotToWrite = state === "granted" ? "" : "needs --allow-write=runs";

/** Makes a folder of a file's own below runs/, which the caller removes. */
export const makeTemporaryFolder = (): string => {
  Deno.mkdirSync(RUNS, { recursive: true });
  return Deno.makeTempDirSync({ dir: RUNS, prefix: "test-" });
};

/** Registers a test with a folder of its own below runs/, which is removed after it; or skips it and says why. */
export const writingTest = (name: string, fn: (folder: string) => Promise<void>, reason = reasonNotToWrite): void =>
  Deno.test({
    name: reason === "" ? name : `${name} (${reason})`,
    ignore: reason !== "",
    fn: async () => {
      const folder = makeTemporaryFolder();
      try {
        await fn(folder);
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    },
  });
