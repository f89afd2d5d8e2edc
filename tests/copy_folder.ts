import { join } from "@std/path";

/** Copies a folder with all that is in it. */
export const copyFolder = async (from: string, to: string): Promise<void> => {
  await Deno.mkdir(to, { recursive: true });
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    if (isDirectory) await copyFolder(join(from, name), join(to, name));
    else await Deno.writeFile(join(to, name), await Deno.readFile(join(from, name)));
  }
};
