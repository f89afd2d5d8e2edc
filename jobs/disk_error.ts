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
