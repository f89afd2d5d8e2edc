import { join } from "@std/path";
import { createHash, type Hash } from "node:crypto";
import { z } from "zod";
import { amount } from "../files/amount.ts";
import { freeDisk } from "../files/machine.ts";
import { DatasetError, type DatasetParts } from "./dataset.ts";
import { makeWhole } from "./partial_folder.ts";
import type { DatasetSource, SkippedFile } from "./source.ts";

/** What is reported while a dataset is prepared. */
export const dataEvent = z.discriminatedUnion("event", [
  /** Images done so far, the skipped ones among them. */
  z.object({
    event: z.literal("preparing"),
    step: z.int().min(0),
    steps: z.int().min(0),
    imagesPerSecond: z.number(),
    secondsLeft: z.number(),
  }),
  /** A file that was passed over; the first ten are reported, and the first of every ending that is not read. */
  z.object({ event: z.literal("skipped"), file: z.string(), reason: z.string() }),
  /** The end: a cache was written. */
  z.object({
    event: z.literal("prepared"),
    data: z.string(),
    folder: z.string(),
    images: z.int().min(0),
    skipped: z.int().min(0),
    /** How many of them by the kind of reason. */
    skippedBy: z.record(z.string(), z.int().min(1)).optional(),
    seconds: z.number(),
  }),
]);

/** One of them. */
export type DataEvent = z.output<typeof dataEvent>;

/** Version of the layout. A cache of another is prepared anew. */
export const CACHE_VERSION = 1;

/** Version of the arithmetic of resizing. What was resized by another is prepared anew; what never was stays. */
export const RESIZE_VERSION = 2;

/** Version of what pictures are read, and to which pixels. A folder of pictures that another read is prepared anew. */
export const READ_VERSION = 2;

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
const cacheDescription = z.object({
  version: z.literal(CACHE_VERSION),
  name: z.string(),
  /** Where the images came from: a path, or a package with its version. */
  source: z.string(),
  licence: z.string().optional(),
  /** Digest of what makes the images: what the sources hold, the size asked for, and the versions. */
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

const writePiece = async (file: Deno.FsFile, bytes: Uint8Array): Promise<void> => {
  for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
};

/** Bytes moved at a time. */
const GRAY_CHUNK = 3 * 2 ** 20;

/** Keeps one channel of three in a file of RGB images that are all gray; in place, since it only gets shorter. */
const keepOneChannel = async (path: string): Promise<void> => {
  using from = await Deno.open(path);
  using to = await Deno.open(path, { write: true });
  const chunk = new Uint8Array(GRAY_CHUNK);
  let length = 0;
  for (let filled = 0, ended = false; !ended;) {
    const read = await from.read(chunk.subarray(filled));
    ended = read === null;
    filled += read ?? 0;
    if (filled < GRAY_CHUNK && !ended) continue;
    const gray = new Uint8Array(filled / 3);
    for (let i = 0; i < gray.length; i++) gray[i] = chunk[3 * i];
    await writePiece(to, gray);
    length += gray.length;
    filled = 0;
  }
  await to.truncate(length);
};

/** Faults that are told one by one; the others are counted. */
const MOST_REPORTED = 10;

/** What a cache is called, and what it is made of. */
export type CacheFacts = Pick<CacheDescription, "name" | "source" | "licence" | "key">;

/** Bytes read at a time. */
const HASHED_CHUNK = 2 ** 20;

/** Adds what a file holds to a digest. */
export const hashFile = async (hash: Hash, path: string, signal?: AbortSignal): Promise<void> => {
  using file = await Deno.open(path);
  const chunk = new Uint8Array(HASHED_CHUNK);
  for (let read = await file.read(chunk); read !== null; read = await file.read(chunk)) {
    signal?.throwIfAborted();
    hash.update(chunk.subarray(0, read));
  }
};

const digestOf = async (path: string, labels: Int32Array | null): Promise<string> => {
  const hash = createHash("sha256");
  await hashFile(hash, path);
  if (labels) hash.update(new Uint8Array(labels.buffer));
  return `sha256-${hash.digest("hex")}`;
};

const concatenate = (parts: readonly Int32Array[]): Int32Array => {
  const all = new Int32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
};

const byKind = (files: readonly SkippedFile[]): Map<string, SkippedFile[]> => Map.groupBy(files, ({ kind }) => kind);

/** Writes the images of a source into `folder`, reporting on the way. */
const writeImages = async (
  folder: string,
  source: DatasetSource,
  { signal, onProgress }: { signal?: AbortSignal; onProgress: (event: DataEvent) => void },
) => {
  const bytes = source.height * source.width * source.channels;
  const path = join(folder, CACHE_FILES.images);
  const { leftOut = [] } = source;
  const faults: SkippedFile[] = [];
  const labels: Int32Array[] = [];
  const started = performance.now();
  let count = 0, isGray = source.channels === 3;
  for (const [{ file, reason }, ...more] of [...byKind(leftOut).values()].slice(0, MOST_REPORTED)) {
    onProgress({
      event: "skipped",
      file,
      reason: more.length === 0 ? reason : `${reason}; there are ${1 + more.length}`,
    });
  }
  {
    using file = await Deno.open(path, { write: true, createNew: true });
    for await (const piece of source.pieces(signal)) {
      signal?.throwIfAborted();
      await writePiece(file, piece.images);
      count += piece.images.length / bytes;
      if (piece.images.length > 0) isGray &&= piece.isGray === true;
      if (piece.labels) labels.push(piece.labels);
      for (const fault of piece.skipped ?? []) {
        const { file, reason } = fault;
        if (faults.push(fault) <= MOST_REPORTED) onProgress({ event: "skipped", file, reason });
      }
      const imagesPerSecond = 1000 * piece.done / (performance.now() - started);
      const secondsLeft = (source.total - piece.done) / imagesPerSecond;
      onProgress({ event: "preparing", step: piece.done, steps: source.total, imagesPerSecond, secondsLeft });
    }
    await file.syncData();
  }
  return { path, count, isGray, faults, leftOut, labels: source.classNames ? concatenate(labels) : null };
};

/**
 * Prepares a cache: images as bytes, labels, a description, and the list of files that were passed over. It is written
 * beside and renamed; whatever ends the preparation leaves nothing behind.
 *
 * @throws {DatasetError} if no image can be read, the disk is full, or this process may not write there
 */
export const writeCache = async (
  to: { readonly parent: string; readonly name: string },
  facts: CacheFacts,
  open: () => Promise<DatasetSource>,
  { signal, onProgress = () => {} }: { signal?: AbortSignal; onProgress?: (event: DataEvent) => void } = {},
): Promise<CacheDescription> => {
  const started = performance.now();
  const isSame = async (folder: string) => (await describeCache(folder))?.key === facts.key;
  const make = async (folder: string) => {
    const source = await open();
    const needed = source.total * source.height * source.width * source.channels;
    const free = await freeDisk(to.parent);
    if (needed > free) {
      const what = `${source.total} images of ${source.width}×${source.height} take ${amount(needed)}`;
      throw new DatasetError(`cannot prepare ${facts.name}: ${what}, and ${amount(free)} are free for ${to.parent}`);
    }
    const { path, count, isGray, faults, leftOut, labels } = await writeImages(folder, source, { signal, onProgress });
    if (count === 0) {
      const [first] = faults;
      throw new DatasetError(
        `${facts.source} holds no picture that can be read; the first of ${faults.length}, ${first?.file}: ` +
          `${first?.reason}`,
      );
    }
    if (isGray) await keepOneChannel(path);
    if (labels) {
      await Deno.writeFile(join(folder, CACHE_FILES.labels), new Uint8Array(labels.buffer as ArrayBuffer));
    }
    const skipped = [...faults, ...leftOut];
    if (skipped.length > 0) {
      const lines = skipped.map(({ file, reason }) => `${file}\t${reason}\n`);
      await Deno.writeTextFile(join(folder, CACHE_FILES.skipped), lines.join(""));
    }
    const description: CacheDescription = {
      version: CACHE_VERSION,
      ...facts,
      count,
      height: source.height,
      width: source.width,
      channels: isGray || source.channels === 1 ? 1 : 3,
      classNames: source.classNames && [...source.classNames],
      skipped: skipped.length,
      fingerprint: await digestOf(path, labels),
    };
    await Deno.writeTextFile(join(folder, CACHE_FILES.description), `${JSON.stringify(description, null, 2)}\n`);
    signal?.throwIfAborted();
    return { description, skipped };
  };
  const folder = join(to.parent, to.name);
  try {
    const { description, skipped } = await makeWhole(to, isSame, make);
    const seconds = (performance.now() - started) / 1000;
    const skippedBy = Object.fromEntries([...byKind(skipped)].map(([kind, { length }]) => [kind, length]));
    onProgress({
      event: "prepared",
      data: facts.name,
      folder,
      images: description.count,
      skipped: skipped.length,
      skippedBy,
      seconds,
    });
    return description;
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "ENOSPC") {
      throw new DatasetError(`cannot prepare ${facts.name}: no space is left for ${to.parent}`, { cause });
    }
    throw cause;
  }
};
