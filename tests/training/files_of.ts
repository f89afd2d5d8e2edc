import { join } from "@std/path";

/** The files in a folder and below, in order. */
export const filesOf = (folder: string, at = ""): string[] =>
  [...Deno.readDirSync(join(folder, at))].flatMap(({ name, isDirectory }) => {
    const path = join(at, name);
    return isDirectory ? filesOf(folder, path) : [path];
  }).sort();

/** The names in a folder, in order. */
export const namesIn = (folder: string): string[] => [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
