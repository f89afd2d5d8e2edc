import { basename } from "@std/path";

/**
 * What requests call the models in these folders: the base name of each, the second of a name with -2 behind it, and so
 * on.
 */
export const modelNames = (folders: readonly string[]): string[] => {
  const names = new Set<string>();
  for (const folder of folders) {
    const base = /[^./\\]/.test(basename(folder)) ? basename(folder) : "model";
    let name = base;
    for (let count = 2; names.has(name); count++) name = `${base}-${count}`;
    names.add(name);
  }
  return [...names];
};
