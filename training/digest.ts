import { join } from "@std/path";
import { createHash } from "node:crypto";

/** The file of a folder that holds the digests of the others, in the format of `sha256sum`. */
export const SUMS_FILE = "SHA256SUMS";

/** A folder does not hold what was written into it. The message says which file, and what of it. */
export class DigestError extends Error {
  override name = "DigestError";
}

const CHUNK = 1 << 20;
const LINE = /^([0-9a-f]{64}) {2}(.+)$/;
const OWN_LINE = /^# ([0-9a-f]{64})\n$/;

const sha256 = (bytes: Uint8Array | string): string => createHash("sha256").update(bytes).digest("hex");

const sha256OfFile = (path: string): string => {
  using file = Deno.openSync(path, { read: true });
  const hash = createHash("sha256"), chunk = new Uint8Array(CHUNK);
  for (let n = file.readSync(chunk); n !== null; n = file.readSync(chunk)) hash.update(chunk.subarray(0, n));
  return hash.digest("hex");
};

const filesOf = (folder: string, at = ""): string[] =>
  [...Deno.readDirSync(join(folder, at))].flatMap(({ name, isDirectory }) => {
    const path = at === "" ? name : `${at}/${name}`;
    return isDirectory ? filesOf(folder, path) : [path];
  });

/**
 * Writes `SHA256SUMS` into a folder: the SHA-256 digest of every other file in it, and in a comment behind them, the
 * digest of those lines. `sha256sum --check SHA256SUMS` reads it too.
 */
export const writeDigests = (folder: string): void => {
  const paths = filesOf(folder).filter((path) => path !== SUMS_FILE).sort();
  const lines = paths.map((path) => `${sha256OfFile(join(folder, path))}  ${path}\n`).join("");
  Deno.writeTextFileSync(join(folder, SUMS_FILE), `${lines}# ${sha256(lines)}\n`);
};

const readText = (path: string): string | null => {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
};

/**
 * Reads `SHA256SUMS`: digests by path, the paths with slashes on every system; null if there is none.
 *
 * @throws {DigestError} if it is damaged or cut off
 */
export const readDigests = (folder: string): Map<string, string> | null => {
  const text = readText(join(folder, SUMS_FILE));
  if (text === null) return null;
  const end = text.lastIndexOf("# ");
  const lines = text.slice(0, Math.max(0, end));
  if (OWN_LINE.exec(text.slice(lines.length))?.[1] !== sha256(lines)) {
    throw new DigestError(`${SUMS_FILE}: it is not as it was written`);
  }
  return new Map(
    lines.split("\n").slice(0, -1).map((line) => {
      const [, digest, path] = LINE.exec(line)!;
      return [path, digest];
    }),
  );
};

/**
 * Reads a file of a folder.
 *
 * @param sums the folder's digests
 * @throws {DigestError} if it is not as it was written, or has gone
 */
export const readVerified = async (
  folder: string,
  path: string,
  sums: ReadonlyMap<string, string>,
): Promise<Uint8Array<ArrayBuffer>> => {
  if (!sums.has(path)) throw new DigestError(`${path}: ${SUMS_FILE} does not name it`);
  const bytes = await Deno.readFile(join(folder, path)).catch((cause) => {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
    throw new DigestError(`${path}: there is no such file`, { cause });
  });
  if (sha256(bytes) !== sums.get(path)) throw new DigestError(`${path}: it is not as it was written`);
  return bytes;
};
