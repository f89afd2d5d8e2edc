import { join } from "@std/path";

/** Bytes of all files in a folder and below; those that come and go meanwhile do not matter. */
export const bytesBelow = async (folder: string): Promise<number> => {
  let sum = 0;
  try {
    for await (const { name, isDirectory } of Deno.readDir(folder)) {
      const path = join(folder, name);
      sum += isDirectory ? await bytesBelow(path) : (await Deno.stat(path)).size;
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return sum;
};
