import type { FileReader } from "../files/reader.ts";

/** Files that are held in memory, by their paths. */
export type MemoryFiles = ReadonlyMap<string, Uint8Array<ArrayBuffer>>;

/** Reads files of memory as if they lay on a disk. */
export const memoryReader = (files: MemoryFiles): FileReader => {
  const readBytes: FileReader["readBytes"] = (path) => {
    const bytes = files.get(path);
    if (bytes) return Promise.resolve(bytes);
    return Promise.reject(Object.assign(new Error(`there is no file ${path}`), { name: "NotFound" }));
  };
  const below = (folder: string) => files.keys().filter((path) => path.startsWith(`${folder}/`)).toArray();
  return {
    readBytes,
    readText: async (path) => new TextDecoder().decode(await readBytes(path)),
    names: (folder) =>
      Promise.resolve([...new Set(below(folder).map((path) => path.slice(folder.length + 1).split("/")[0]))]),
    exists: (path) => Promise.resolve(files.has(path) || below(path).length > 0),
  };
};
