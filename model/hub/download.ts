import { createHash } from "node:crypto";
import { fileAddress, type Repository } from "./address.ts";
import { ConnectionError, HubError } from "./error.ts";
import type { RemoteFile } from "./listing.ts";
import { hashFile, openPartial, type PartialFile } from "./partial_file.ts";
import { sleep, stopwatch } from "./patience.ts";
import { request, type RequestOptions } from "./request.ts";

/** What `download` reads beside the file itself. */
export interface DownloadOptions extends RequestOptions {
  /** Told how many bytes of the file are here, at the start (those of an earlier try) and as they arrive. */
  onProgress?: (bytes: number) => void;
  /** Tries without a byte of progress before it gives up. @default 3 */
  tries?: number;
  /** Milliseconds between two tries. @default 1000 */
  pause?: number;
  /** Milliseconds without a byte after which a connection counts as broken. @default 60000 */
  patience?: number;
}

const isThere = (path: string): Promise<boolean> =>
  Deno.stat(path).then(() => true, (error) => {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  });

/** Whether the whole file is here already. */
const isComplete = async (path: string, { size, sha256 }: RemoteFile): Promise<boolean> => {
  if (!await isThere(path)) return false;
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
  { onProgress, patience = 60_000, token, signal }: DownloadOptions,
): Promise<void> => {
  const url = fileAddress(repository, path);
  using silence = stopwatch(patience);
  const signals = signal ? [signal, silence.signal] : [silence.signal];
  const headers: Record<string, string> = part.size > 0 ? { range: `bytes=${part.size}-` } : {};
  try {
    const response = await request(repository, url, { token, headers, signal: AbortSignal.any(signals) });
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
export const download = async (
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
