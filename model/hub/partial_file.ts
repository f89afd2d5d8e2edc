import { createHash, type Hash } from "node:crypto";
import { HubError } from "./error.ts";

/** What systems say of a full disk, a used-up quota and a file too large for the disk; Deno has a class for none. */
const FULL = /no space left|not enough space|quota exceeded|file too large/i;

const writeAll = async (file: Deno.FsFile, bytes: Uint8Array, path: string): Promise<void> => {
  try {
    for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
  } catch (cause) {
    if (!(cause instanceof Error) || cause instanceof Deno.errors.NotCapable) throw cause;
    const reason = cause.message.replace(/ \(os error \d+\)$/, "");
    const further = FULL.test(reason) ? "; make room and run again to go on" : "";
    throw new HubError(`Cannot write ${path}: ${reason}${further}`, { cause });
  }
};

/** Feeds a file, from where it stands, to a hash; gives the number of its bytes. */
export const hashFile = async (file: Deno.FsFile, hash: Hash): Promise<number> => {
  const buffer = new Uint8Array(2 ** 20);
  let size = 0;
  for (let n = await file.read(buffer); n !== null; n = await file.read(buffer)) {
    hash.update(buffer.subarray(0, n));
    size += n;
  }
  return size;
};

/** A file on its way, with the checksum of what is there. */
export interface PartialFile {
  /** Bytes that are there. */
  readonly size: number;
  append(bytes: Uint8Array): Promise<void>;
  /** Drops what is there. */
  restart(): Promise<void>;
  /** Makes sure that the bytes are on the disk, and gives their SHA-256 in hexadecimals. */
  finish(): Promise<string>;
  [Symbol.dispose](): void;
}

/**
 * Opens a partial file to go on with it, or starts one.
 *
 * @throws {HubError} from `append`, if the disk is full
 */
export const openPartial = async (path: string): Promise<PartialFile> => {
  const file = await Deno.open(path, { read: true, write: true, create: true });
  let hash = createHash("sha256");
  let size = await hashFile(file, hash);
  return {
    get size() {
      return size;
    },
    append: async (bytes) => {
      await writeAll(file, bytes, path);
      hash.update(bytes);
      size += bytes.length;
    },
    restart: async () => {
      await file.truncate(0);
      await file.seek(0, Deno.SeekMode.Start);
      hash = createHash("sha256");
      size = 0;
    },
    finish: async () => {
      await file.sync();
      return hash.digest("hex");
    },
    [Symbol.dispose]: () => file.close(),
  };
};
