import { join } from "@std/path";
import { createHash } from "node:crypto";
import type { DataEvent } from "./data_event.ts";
import { DatasetError } from "./dataset_error.ts";
import { keepOneChannel } from "./gray.ts";
import { makeWhole } from "./partial.ts";
import { CACHE_FILES, CACHE_VERSION, type CacheDescription, describeCache } from "./prepared.ts";
import type { Fault, Source } from "./source.ts";

/** Faults that are told one by one; the others are counted. */
const TOLD = 10;

/** What a cache is called, and what it is made of. */
export type CacheFacts = Pick<CacheDescription, "name" | "source" | "licence" | "key">;

const writeAll = async (file: Deno.FsFile, bytes: Uint8Array): Promise<void> => {
  for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
};

const digestOf = async (path: string, labels: Int32Array | null): Promise<string> => {
  const hash = createHash("sha256");
  using file = await Deno.open(path);
  for await (const piece of file.readable) hash.update(piece);
  if (labels) hash.update(new Uint8Array(labels.buffer));
  return `sha256-${hash.digest("hex")}`;
};

const joined = (parts: readonly Int32Array[]): Int32Array => {
  const all = new Int32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
};

/** Writes the images of a source into `folder`, reporting on the way. */
const writeImages = async (
  folder: string,
  source: Source,
  { signal, onProgress }: { signal?: AbortSignal; onProgress: (event: DataEvent) => void },
) => {
  const bytes = source.height * source.width * source.channels;
  const path = join(folder, CACHE_FILES.images);
  const faults: Fault[] = [];
  const labels: Int32Array[] = [];
  const started = performance.now();
  let count = 0, isGray = source.channels === 3;
  {
    using file = await Deno.open(path, { write: true, createNew: true });
    for await (const piece of source.pieces(signal)) {
      signal?.throwIfAborted();
      await writeAll(file, piece.images);
      count += piece.images.length / bytes;
      if (piece.images.length > 0) isGray &&= piece.isGray === true;
      if (piece.labels) labels.push(piece.labels);
      for (const fault of piece.skipped ?? []) {
        if (faults.push(fault) <= TOLD) onProgress({ event: "skipped", ...fault });
      }
      const imagesPerSecond = 1000 * piece.done / (performance.now() - started);
      const secondsLeft = (source.total - piece.done) / imagesPerSecond;
      onProgress({ event: "preparing", step: piece.done, steps: source.total, imagesPerSecond, secondsLeft });
    }
    await file.syncData();
  }
  return { path, count, isGray, faults, labels: source.classNames ? joined(labels) : null };
};

/**
 * Prepares a cache: images as bytes, labels, a description, and the list of files that were passed over. It is written
 * beside and renamed; whatever ends the preparation leaves nothing behind.
 *
 * @throws {DatasetError} if no image can be read, the disk is full, or this process may not write there
 */
export const prepare = async (
  to: { readonly parent: string; readonly name: string },
  facts: CacheFacts,
  open: () => Promise<Source>,
  { signal, onProgress = () => {} }: { signal?: AbortSignal; onProgress?: (event: DataEvent) => void } = {},
): Promise<CacheDescription> => {
  const started = performance.now();
  const isSame = async (folder: string) => (await describeCache(folder))?.key === facts.key;
  const make = async (folder: string): Promise<CacheDescription> => {
    const source = await open();
    const { path, count, isGray, faults, labels } = await writeImages(folder, source, { signal, onProgress });
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
    if (faults.length > 0) {
      const lines = faults.map(({ file, reason }) => `${file}\t${reason}\n`);
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
      skipped: faults.length,
      fingerprint: await digestOf(path, labels),
    };
    await Deno.writeTextFile(join(folder, CACHE_FILES.description), `${JSON.stringify(description, null, 2)}\n`);
    signal?.throwIfAborted();
    return description;
  };
  const folder = join(to.parent, to.name);
  try {
    const description = await makeWhole(to, isSame, make);
    const seconds = (performance.now() - started) / 1000;
    const { count: images, skipped } = description;
    onProgress({ event: "prepared", data: facts.name, folder, images, skipped, seconds });
    return description;
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "ENOSPC") {
      throw new DatasetError(`cannot prepare ${facts.name}: no space is left for ${to.parent}`, { cause });
    }
    throw cause;
  }
};
