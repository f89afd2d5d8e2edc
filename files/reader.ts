import { exists } from "./exists.ts";

/** Where files are read from: a disk, or what stands for one. Paths have `/` between their parts. */
export interface FileReader {
  /** @throws an error named NotFound where there is no such file, as all of these */
  readText(path: string): Promise<string>;
  readBytes(path: string): Promise<Uint8Array<ArrayBuffer>>;
  /** Names of what lies in a folder. */
  names(folder: string): Promise<string[]>;
  /** Whether there is a file or folder at a path. */
  exists(path: string): Promise<boolean>;
}

/** The disks of this machine. */
export const disk: FileReader = {
  readText: (path) => Deno.readTextFile(path),
  readBytes: (path) => Deno.readFile(path),
  names: async (folder) => (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name),
  exists,
};
