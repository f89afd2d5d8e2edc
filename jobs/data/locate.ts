import { basename, dirname, join } from "@std/path";
import { createHash } from "node:crypto";
import { arraySource } from "./array_images.ts";
import { chooseCifarFiles, CIFAR_FILE, readCifar } from "./cifar_binary.ts";
import { DatasetError } from "./dataset_error.ts";
import { folderSource } from "./folder_source.ts";
import { labelsBeside, labelsCandidates, readIdxImages } from "./idx_images.ts";
import { listPictures } from "./list_pictures.ts";
import { readNpzImages } from "./npz_images.ts";
import { CACHE_VERSION } from "./prepared.ts";
import type { Source, SourceFile } from "./source.ts";

/** What a path was found to hold, before any image is read. */
export interface Located {
  /** Digest of the files' names, sizes and times, of the size asked for, and of the cache's version. */
  readonly key: string;
  /** What its cache is called: the file's or folder's name, the size, the key's beginning. */
  readonly name: string;
  /** The path. */
  readonly source: string;
  /** Files beside it that are looked for. */
  readonly beside: readonly string[];
  open(): Promise<Source>;
}

const fileAt = async (path: string, name = basename(path)): Promise<SourceFile> => {
  const { size, mtime } = await Deno.stat(path);
  return { name, path, bytes: size, modified: mtime?.getTime() ?? 0 };
};

const keyOf = (kind: string, files: readonly SourceFile[], size: number | undefined): string => {
  const hash = createHash("sha256").update(JSON.stringify([CACHE_VERSION, kind, size ?? null]));
  for (const { name, bytes, modified } of files) hash.update(JSON.stringify([name, bytes, modified]));
  return hash.digest("hex");
};

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

const filesOf = async (folder: string): Promise<string[]> => {
  const names: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) if (!isDirectory) names.push(name);
  return names.sort();
};

interface Found {
  readonly kind: string;
  readonly files: readonly SourceFile[];
  open(): Promise<Source>;
}

const findInFolder = async (folder: string, size: number | undefined, signal?: AbortSignal): Promise<Found> => {
  const cifar = chooseCifarFiles((await filesOf(folder)).filter((name) => CIFAR_FILE.test(name)));
  if (cifar.length > 0) {
    const files = await Promise.all(cifar.map((name) => fileAt(join(folder, name))));
    return { kind: "cifar", files, open: async () => arraySource(await readCifar(folder, cifar), size) };
  }
  const pictures = await listPictures(folder, signal);
  return { kind: "folder", files: pictures.files, open: () => folderSource(folder, pictures, { size }) };
};

const findInFile = async (path: string, size: number | undefined): Promise<Found> => {
  const file = await fileAt(path);
  if (await startsWith(path, ZIP)) {
    return {
      kind: "npz",
      files: [file],
      open: async () => arraySource(readNpzImages(await Deno.readFile(path), path), size),
    };
  }
  if (CIFAR_FILE.test(basename(path))) {
    const open = async () => arraySource(await readCifar(dirname(path), [basename(path)]), size);
    return { kind: "cifar", files: [file], open };
  }
  if (await startsWith(path, GZIP, IDX)) {
    const labels = await labelsBeside(path);
    const files = labels === null ? [file] : [file, await fileAt(labels)];
    return { kind: "idx", files, open: async () => arraySource(await readIdxImages(path, labels), size) };
  }
  throw new DatasetError(
    `cannot tell what ${path} is: data must be a folder of PNG, JPEG or WebP files, an .npz, an IDX file (plain or ` +
      "gzipped), or a folder of CIFAR-10 binaries",
  );
};

/**
 * Finds out what images a path holds: by the files of a folder, or the first bytes of a file. Nothing is decoded yet.
 *
 * @param options.size pixels to which every image is to be resized
 * @throws {DatasetError} if there are none
 * @throws {Deno.errors.NotFound} if there is nothing
 */
export const locate = async (
  path: string,
  { size, signal }: { size?: number; signal?: AbortSignal } = {},
): Promise<Located> => {
  const { isDirectory } = await Deno.stat(path);
  const { kind, files, open } = isDirectory ? await findInFolder(path, size, signal) : await findInFile(path, size);
  const key = keyOf(kind, files, size);
  const sized = size === undefined ? "" : `-${size}`;
  const beside = kind === "idx" ? labelsCandidates(path) : [];
  return { key, name: `${slugOf(path)}${sized}-${key.slice(0, 12)}`, source: path, beside, open };
};
