/** The models of a site without a server, as files that any host serves. */
import { basename, dirname, join } from "@std/path";
import { listModelFiles } from "../model/model_files.ts";
import { loadPipeline, savePipeline } from "../model/pipeline.ts";
import type { ModelFile } from "./messages.ts";

const copyModel = async (from: string, to: string): Promise<void> => {
  for (const path of await listModelFiles(from)) {
    await Deno.mkdir(dirname(join(to, path)), { recursive: true });
    await Deno.copyFile(join(from, path), join(to, path));
  }
};

/**
 * Copies models, each into a folder of its name below `models`, with the list of its files beside them.
 *
 * @param options.float16 writes the weights in half the bytes, rounded: images are then those of the rounded weights
 * @returns their names, in the order given
 * @throws {ModelError} if a folder holds no model that can be read
 * @throws {RangeError} if two have the same name
 */
export const writeSiteModels = async (
  models: string,
  folders: readonly string[],
  { float16 = false }: { float16?: boolean } = {},
): Promise<string[]> => {
  const names = folders.map((folder) => basename(folder));
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice !== undefined) throw new RangeError(`--model must be folders of different names, received ${twice} twice`);
  const pipelines = await Promise.all(folders.map((folder) => loadPipeline(folder)));
  for (const [i, folder] of folders.entries()) {
    const to = join(models, names[i]);
    if (float16) await savePipeline({ ...pipelines[i], folder: to }, { dtype: "F16" });
    else await copyModel(folder, to);
    const files = (await listModelFiles(to)).map(async (path): Promise<ModelFile> => {
      const { size: bytes } = await Deno.stat(join(to, path));
      return { path, href: path, bytes };
    });
    await Deno.writeTextFile(join(to, "files"), JSON.stringify(await Promise.all(files)) + "\n");
  }
  return names;
};
