import { createHash, type Hash } from "node:crypto";
import { exists } from "../../files/exists.ts";
import type { RemoteFile } from "./listing.ts";
import { ConnectionError, fileAddress, HubError, type Repository, requestHub, type RequestOptions } from "./request.ts";

/** Waits a while; ends with the signal's reason if it aborts meanwhile. */
const sleep = (milliseconds: number, signal?: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal!.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, milliseconds);
    signal?.addEventListener("abort", stop, { once: true });
  });

/** A signal that aborts after so many milliseconds without a restart. */
const restartableTimeout = (milliseconds: number) => {
  const controller = new AbortController();
  const start = () => setTimeout(() => controller.abort(new Error("silence")), milliseconds);
  let timer = start();
  return {
    signal: controller.signal,
    restart: () => {
      clearTimeout(timer);
      timer = start();
    },
    [Symbol.dispose]: () => clearTimeout(timer),
  };
};

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
const hashFile = async (file: Deno.FsFile, hash: Hash): Promise<number> => {
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
const openPartial = async (path: string): Promise<PartialFile> => {
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

/** What `download` reads beside the file itself. */
export interface DownloadOptions extends RequestOptions {
  /** Told how many bytes of the file are here, at the start (those of an earlier try) and as they arrive. */
  onProgress?: (bytes: number) => void;
  /** Tries without a byte of progress before it gives up. @default 3 */
  tries?: number;
  /** Milliseconds between two tries. @default 1000 */
  pause?: number;
  /** Milliseconds without a byte after which a connection counts as broken. @default 60000 */
  idleTimeout?: number;
}

/** Whether the whole file is here already. */
const isComplete = async (path: string, { size, sha256 }: RemoteFile): Promise<boolean> => {
  if (!await exists(path)) return false;
  using file = await Deno.open(path);
  const hash = createHash("sha256");
  const found = await hashFile(file, hash);
  if (sha256 !== null && hash.digest("hex") === sha256) return true;
  const why = sha256 === null ? "and the hub gives no checksum to compare it with" : "and is another file";
  throw new HubError(
    `${path} is there already (${found} of ${size ?? "?"} bytes) ${why}; remove it, or name another folder`,
  );
};

/** Where the bytes of an answer belong: behind those that are here, or at the start. */
const startOf = (response: Response, have: number): number => {
  if (response.status !== 206) return 0;
  const range = /^bytes (\d+)-/.exec(response.headers.get("content-range") ?? "");
  if (Number(range?.[1]) !== have) throw new HubError(`the hub answers another range than bytes ${have}- asked for`);
  return have;
};

/** One connection: fetches what is missing of the partial file. */
const advance = async (
  repository: Repository,
  { path, size }: RemoteFile,
  part: PartialFile,
  { onProgress, idleTimeout: patience = 60_000, token, signal }: DownloadOptions,
): Promise<void> => {
  const url = fileAddress(repository, path);
  using silence = restartableTimeout(patience);
  const signals = signal ? [signal, silence.signal] : [silence.signal];
  const headers: Record<string, string> = part.size > 0 ? { range: `bytes=${part.size}-` } : {};
  try {
    const response = await requestHub(repository, url, { token, headers, signal: AbortSignal.any(signals) });
    if (response.status === 416) {
      await response.body?.cancel();
      await part.restart();
      throw new ConnectionError(`the hub no longer has the rest of ${path}`);
    }
    if (startOf(response, part.size) !== part.size) await part.restart();
    for await (const bytes of response.body ?? []) {
      silence.restart();
      if (size !== null && part.size + bytes.length > size) {
        throw new HubError(`${url} is larger than the ${size} bytes listed`);
      }
      await part.append(bytes);
      onProgress?.(part.size);
    }
  } catch (cause) {
    if (signal?.aborted) throw signal.reason;
    if (!(cause instanceof TypeError || silence.signal.aborted)) throw cause;
    throw new ConnectionError(`the connection broke off at ${part.size} of ${size ?? "?"} bytes`, { cause });
  }
  if (size !== null && part.size < size) {
    throw new ConnectionError(`the connection broke off at ${part.size} of ${size} bytes`);
  }
};

/** One try: opens what is there of the file, fetches the rest, and compares the whole with its checksum. */
const tryOnce = async (
  repository: Repository,
  file: RemoteFile,
  partial: string,
  options: DownloadOptions,
): Promise<void> => {
  const { path, size, sha256 } = file;
  using part = await openPartial(partial);
  // Without a checksum nothing would tell a part of another revision from one of this.
  if (sha256 === null || part.size > (size ?? Infinity)) await part.restart();
  options.onProgress?.(part.size);
  if (part.size === 0 || part.size !== size) await advance(repository, file, part, options);
  const digest = await part.finish();
  if (sha256 !== null && digest !== sha256) {
    await Deno.remove(partial);
    throw new HubError(`${path} arrived damaged and was removed: its SHA-256 is ${digest}, the hub lists ${sha256}`);
  }
};

/**
 * Downloads a file to `to`. Until it is whole and its checksum verified it bears another name, ending in ".partial"; a
 * download that was cut short goes on from there, at the next try or the next run, if the hub gives the file's checksum.
 *
 * @throws {ConnectionError} if the connection breaks off and tries do not get on
 * @throws {HubError} if the hub refuses, the disk is full, the file is damaged (it is removed), or another is at `to`
 * @throws the signal's reason
 */
export const downloadFile = async (
  repository: Repository,
  file: RemoteFile,
  to: string,
  options: DownloadOptions = {},
): Promise<void> => {
  const { onProgress, tries = 3, pause = 1000, signal } = options;
  if (await isComplete(to, file)) return onProgress?.(file.size ?? 0);
  const partial = `${to}.${file.sha256 === null ? "" : `${file.sha256.slice(0, 8)}.`}partial`;
  let [most, failures] = [0, 0];
  const track = (bytes: number) => {
    if (bytes > most) [most, failures] = [bytes, 0];
    onProgress?.(bytes);
  };
  for (;;) {
    try {
      await tryOnce(repository, file, partial, { ...options, onProgress: track });
      return await Deno.rename(partial, to);
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error;
      if (++failures >= tries) {
        const further = file.sha256 === null ? "" : "; run again to go on from there";
        throw new ConnectionError(`Cannot get ${file.path}: ${error.message}${further}`, { cause: error });
      }
      await sleep(pause, signal);
    }
  }
};
