/** The models of a site without a server, as files that any host serves. */
import { basename, dirname, join } from "@std/path";
import { listModelFiles } from "../model/model_files.ts";
import { loadPipeline } from "../model/pipeline.ts";
import type { ModelFile } from "./messages.ts";

/**
 * Copies models, each into a folder of its name below `models`, with the list of its files beside them.
 *
 * @returns their names, in the order given
 * @throws {ModelError} if a folder holds no model that can be read
 * @throws {RangeError} if two have the same name
 */
export const writeSiteModels = async (models: string, folders: readonly string[]): Promise<string[]> => {
  const names = folders.map((folder) => basename(folder));
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice !== undefined) throw new RangeError(`--model must be folders of different names, received ${twice} twice`);
  for (const folder of folders) await loadPipeline(folder);
  for (const [i, folder] of folders.entries()) {
    const files: ModelFile[] = [];
    for (const path of await listModelFiles(folder)) {
      const to = join(models, names[i], path);
      await Deno.mkdir(dirname(to), { recursive: true });
      await Deno.copyFile(join(folder, path), to);
      files.push({ path, href: path, bytes: (await Deno.stat(to)).size });
    }
    await Deno.writeTextFile(join(models, names[i], "files"), JSON.stringify(files) + "\n");
  }
  return names;
};
