import { join } from "@std/path";
import { z } from "zod";
import { DatasetError } from "./dataset_error.ts";
import type { DatasetParts } from "./images.ts";

/** Version of the layout. A cache of another is prepared anew. */
export const CACHE_VERSION = 1;

/** Files of a cache: flat NHWC bytes; little-endian int32 labels; what they are; what was passed over, and why. */
export const CACHE_FILES = {
  images: "images.u8",
  labels: "labels.i32",
  description: "dataset.json",
  skipped: "skipped.txt",
} as const;

/** Images of this many bytes in all are read from their file as they are asked for; fewer are held in memory. */
const MOST_IN_MEMORY = 2 ** 30;

const natural = z.int().min(1);

/** What `dataset.json` says of a cache. */
export const cacheDescription = z.object({
  version: z.literal(CACHE_VERSION),
  name: z.string(),
  /** Where the images came from: a path, or a package with its version. */
  source: z.string(),
  licence: z.string().optional(),
  /** Digest of the names, sizes and times of the sources' files, of the size asked for, and of the version. */
  key: z.string(),
  count: natural,
  height: natural,
  width: natural,
  channels: z.union([z.literal(1), z.literal(3)]),
  classNames: z.array(z.string()).nullable(),
  skipped: z.int().min(0),
  /** SHA-256 of images and labels. */
  fingerprint: z.string(),
});

/** What is known of a cache. */
export type CacheDescription = z.output<typeof cacheDescription>;

const nullIfMissing = (error: unknown): null => {
  if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return null;
  throw error;
};

const sizeOf = async (path: string): Promise<number | null> => {
  const found = await Deno.stat(path).catch(nullIfMissing);
  return found?.isFile ? found.size : null;
};

const parseDescription = (text: string): CacheDescription | null => {
  try {
    return cacheDescription.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null;
  }
};

/** What a folder says of the cache in it; `null` if it holds none, a torn one, or one of another version. */
export const describeCache = async (folder: string): Promise<CacheDescription | null> => {
  const path = join(folder, CACHE_FILES.description);
  if (await sizeOf(path) === null) return null;
  // It may have been moved away since, to be replaced.
  const text = await Deno.readTextFile(path).catch(nullIfMissing);
  const description = text && parseDescription(text);
  if (!description) return null;
  const { count, height, width, channels, classNames } = description;
  const images = await sizeOf(join(folder, CACHE_FILES.images));
  const labels = await sizeOf(join(folder, CACHE_FILES.labels));
  const isWhole = images === count * height * width * channels && labels === (classNames ? 4 * count : null);
  return isWhole ? description : null;
};

/** Reads a file into memory that threads share. */
const readShared = async (path: string, length: number): Promise<Uint8Array> => {
  const bytes = new Uint8Array(new SharedArrayBuffer(length));
  using file = await Deno.open(path);
  let at = 0;
  for await (const piece of file.readable) {
    if (at + piece.length > length) throw new DatasetError(`cannot read ${path}: it has grown`);
    bytes.set(piece, at);
    at += piece.length;
  }
  if (at !== length) throw new DatasetError(`cannot read ${path}: it ends after ${at} bytes of ${length}`);
  return bytes;
};

/**
 * Opens the cache in a folder.
 *
 * @param options.mostInMemory bytes of images from which on they stay in their file
 * @returns its parts; `null` if the folder holds no whole cache
 * @throws {DatasetError} if its files change meanwhile, or a label has no class
 */
export const openCache = async (
  folder: string,
  { mostInMemory = MOST_IN_MEMORY }: { mostInMemory?: number } = {},
): Promise<DatasetParts | null> => {
  const description = await describeCache(folder);
  if (!description) return null;
  const { name, count, height, width, channels, classNames, fingerprint } = description;
  const length = count * height * width * channels;
  const path = join(folder, CACHE_FILES.images);
  const labels = classNames
    ? new Int32Array((await readShared(join(folder, CACHE_FILES.labels), 4 * count)).buffer)
    : null;
  if (labels?.some((label) => label < 0 || label >= classNames!.length)) {
    throw new DatasetError(`cannot read ${join(folder, CACHE_FILES.labels)}: a label is of no class`);
  }
  const images = length < mostInMemory ? await readShared(path, length) : { path };
  return { name, count, height, width, channels, images, labels, classNames, fingerprint };
};
