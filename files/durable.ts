import { dirname, join } from "@std/path";

/** What a run has to write cannot be written: a full disk, a folder that is read-only, a device that fails. */
export class DiskError extends Error {
  override name = "DiskError";
}

const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: "no space is left on the device",
  EDQUOT: "the disk quota is used up",
  EFBIG: "the file would be larger than is allowed here",
  EROFS: "the file system is read-only",
  EACCES: "permission is denied",
  EPERM: "permission is denied",
  EIO: "the device failed",
  EEXIST: "a file of that name is there",
  ENOTDIR: "a part of the path is no folder",
};

/**
 * Does what writes `path`, and names it if the system refuses.
 *
 * @throws {DiskError}
 */
export const writing = async <T>(path: string, write: () => T | Promise<T>): Promise<T> => {
  try {
    return await write();
  } catch (cause) {
    const { code } = cause as { code?: string };
    if (cause instanceof Deno.errors.NotCapable || code === undefined) throw cause;
    throw new DiskError(`Cannot write ${path}: ${REASONS[code] ?? (cause as Error).message}`, { cause });
  }
};

const sync = (path: string): void => {
  using file = Deno.openSync(path, { read: true });
  file.syncSync();
};

/** Returns once the device holds a file's bytes. */
export const syncFile = sync;

/** Returns once the device holds a folder's entries: what was made, renamed and removed in it. */
export const syncFolder = (folder: string): void => {
  // Windows opens no folders, and keeps its entries by itself.
  if (Deno.build.os !== "windows") sync(folder);
};

/** Returns once the device holds a folder with all that is in it. */
export const syncTree = (folder: string): void => {
  for (const { name, isDirectory } of Deno.readDirSync(folder)) {
    const path = join(folder, name);
    if (isDirectory) syncTree(path);
    else syncFile(path);
  }
  syncFolder(folder);
};

/** Writes all bytes, though the system may take them a few at a time. */
export const writeAll = (file: Deno.FsFile, bytes: Uint8Array): void => {
  for (let at = 0; at < bytes.length;) at += file.writeSync(bytes.subarray(at));
};

/** Puts a file or folder under another name, for good: a power cut afterwards finds it there. */
export const renameDurably = (from: string, to: string): void => {
  Deno.renameSync(from, to);
  syncFolder(dirname(to));
};

/** The name under which what becomes `path` is written: that of a leftover, should it be met later. */
export const partialOf = (path: string): string => `${path}.partial`;

/**
 * Replaces a file's content: whoever reads it, now or after a crash, finds the old one or the new one, whole.
 *
 * @throws {DiskError} if the system refuses; the old content stays
 */
export const replaceFile = (path: string, content: Uint8Array | string): Promise<void> =>
  writing(path, () => {
    const partial = partialOf(path);
    try {
      const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
      Deno.writeFileSync(partial, bytes);
      syncFile(partial);
      renameDurably(partial, path);
    } catch (error) {
      removeQuietly(partial);
      throw error;
    }
  });

/** Removes a file or folder, if it is there and the system lets it. */
export const removeQuietly = (path: string): void => {
  try {
    Deno.removeSync(path, { recursive: true });
  } catch {
    // It is a leftover either way: the next run tries again.
  }
};
