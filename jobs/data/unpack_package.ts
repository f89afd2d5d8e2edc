import { unpackTar } from "modern-tar";
import { createHash } from "node:crypto";
import { DatasetError } from "./dataset_error.ts";
import { type DataPackage, specifierOf } from "./packages.ts";

/** Files of a package, by their paths in it. */
export type PackageFiles = ReadonlyMap<string, Uint8Array<ArrayBuffer>>;

/**
 * Checks that a file is the archive of the package that it should be, byte for byte.
 *
 * @throws {DatasetError} if its digest differs
 */
export const checkPackage = async (path: string, wanted: DataPackage, signal?: AbortSignal): Promise<void> => {
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
export const unpackPackage = async (
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
