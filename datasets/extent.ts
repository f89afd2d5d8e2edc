import { basename, dirname, join } from "@std/path";
import { isFile } from "../files/exists.ts";
import { CACHE_FILES, type CacheDescription, describeCache } from "./cache.ts";
import { DATA_NAME, DATA_ROOT } from "./catalogue.ts";
import { isBuiltin } from "./names.ts";
import { chooseCifarFiles, CIFAR_FILE, CIFAR_ROW, CIFAR_SIDE, readCifarClasses } from "./cifar.ts";
import { firstExtent, listPictures } from "./folder.ts";
import { idxShape } from "./idx.ts";
import { DIGITS, mnistShape } from "./mnist.ts";
import { npzShape } from "./npz.ts";

/** What images a dataset has. */
export interface DatasetExtent {
  /** How many, at most: some may turn out to be damaged. */
  readonly count: number;
  readonly height: number;
  readonly width: number;
  /** 1: gray, 3: RGB; 3 for pictures, which may all turn out to be gray. */
  readonly channels: number;
  /** The names of its classes; `null` if it has none, or that cannot be told. */
  readonly classNames: readonly string[] | null;
}

const ofCache = ({ count, height, width, channels, classNames }: CacheDescription): DatasetExtent => ({
  ...{ count, height, width, channels, classNames },
});

const ofCifar = async (folder: string, names: readonly string[]): Promise<DatasetExtent> => {
  const sizes = await Promise.all(names.map(async (name) => (await Deno.stat(join(folder, name))).size));
  const count = sizes.reduce((sum, size) => sum + Math.floor(size / CIFAR_ROW), 0);
  return { count, height: CIFAR_SIDE, width: CIFAR_SIDE, channels: 3, classNames: await readCifarClasses(folder) };
};

const ofShape = ([count, height, width, channels = 1]: readonly number[]): DatasetExtent => ({
  ...{ count, height, width, channels },
  classNames: null,
});

const ofFile = async (path: string): Promise<DatasetExtent | null> => {
  if (CIFAR_FILE.test(basename(path))) return await ofCifar(dirname(path), [basename(path)]);
  const shape = await npzShape(path) ?? await idxShape(path);
  return shape && (shape.length === 3 || shape.length === 4) ? ofShape(shape) : null;
};

const ofFolder = async (folder: string, size: number | undefined, signal?: AbortSignal): Promise<DatasetExtent> => {
  const names = (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name);
  const cifar = chooseCifarFiles(names.filter((name) => CIFAR_FILE.test(name)));
  if (cifar.length > 0) return await ofCifar(folder, cifar);
  const { files, classNames } = await listPictures(folder, signal);
  const { height, width } = size === undefined ? await firstExtent(folder, files) : { height: size, width: size };
  return { count: files.length, height, width, channels: 3, classNames };
};

/**
 * What images a dataset has, by its name or path, as soon as that can be told: from what is written of a cache, from the
 * headers of files, from the names in a folder. No image is decoded, and no file is read whole.
 *
 * @param options.size pixels to which every image is to be resized
 * @returns `null` if there is no such dataset, or its files say nothing; opening it says what is wrong
 */
export const datasetExtent = async (
  where: string,
  { size, root = DATA_ROOT, signal }: { size?: number; root?: string; signal?: AbortSignal } = {},
): Promise<DatasetExtent | null> => {
  const find = async (): Promise<DatasetExtent | null> => {
    if (where === "mnist" || where === "mnist-test") {
      const { images: count, height, width, channels } = mnistShape(where === "mnist" ? "train" : "t10k");
      return { count, height, width, channels, classNames: DIGITS };
    }
    const prepared = join(root, ".prepared", where);
    const cache = DATA_NAME.test(where) && !(await isFile(where)) ? await describeCache(prepared) : null;
    if (cache || isBuiltin(where)) return cache && ofCache(cache);
    if (await isFile(where)) return await ofFile(where);
    const own = await isFile(join(where, CACHE_FILES.description)) ? await describeCache(where) : null;
    return own ? ofCache(own) : await ofFolder(where, size, signal);
  };
  try {
    const found = await find();
    return found && (size === undefined ? found : { ...found, height: size, width: size });
  } catch (error) {
    if (error instanceof Error && (error.name === "DatasetError" || error instanceof Deno.errors.NotFound)) return null;
    throw error;
  }
};
