import { statfs } from "node:fs/promises";
import { dirname } from "@std/path";
import { unlessMissing } from "./exists.ts";

const mayAsk = (kind: "systemMemoryInfo" | "statfs"): boolean =>
  Deno.permissions.querySync({ name: "sys", kind: kind as "systemMemoryInfo" }).state === "granted";

/** Bytes of memory that this machine has; `Infinity` if this process may not ask. */
export const machineMemory = (): number => mayAsk("systemMemoryInfo") ? Deno.systemMemoryInfo().total : Infinity;

/**
 * Bytes that can still be written where a folder is, or will be; `Infinity` if this process may not ask.
 *
 * @param folder may not be there yet
 */
export const freeDisk = async (folder: string): Promise<number> => {
  if (!mayAsk("statfs")) return Infinity;
  for (let path = folder;; path = dirname(path)) {
    if (Deno.permissions.querySync({ name: "read", path }).state !== "granted") return Infinity;
    const found = await unlessMissing(statfs(path)).catch((error) => {
      if (error.code === "ENOENT") return null;
      throw error;
    });
    if (found) return found.bavail * found.bsize;
    if (dirname(path) === path) return Infinity;
  }
};
