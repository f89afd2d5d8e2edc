import { z } from "zod";
import type { S3Objects } from "./s3.ts";
import { StorageConflictError, StorageError } from "./storage.ts";

const runIndex = z.object({
  format: z.literal(1),
  /** Who wrote it last: a number of its own for every program. */
  writer: z.string(),
  /** By step. One that is not whole is on its way in or out. */
  checkpoints: z.array(z.object({ step: z.int().min(0), whole: z.boolean() })),
  /** What lies beside the checkpoints, by path. */
  files: z.array(z.string().regex(/^(?!.*(^|\/)\.\.?(\/|$))[\w.-]+(\/[\w.-]+)*$/)),
});

/** What a storage holds of a run. */
export type RunIndex = z.output<typeof runIndex>;

const WRITER = crypto.randomUUID();

const parseIndex = (bytes: Uint8Array): RunIndex | null => {
  try {
    return runIndex.safeParse(JSON.parse(new TextDecoder().decode(bytes))).data ?? null;
  } catch {
    return null;
  }
};

/** A run's index, of which only the program that read or wrote its last version can write the next. */
export interface RunIndexFile {
  readonly value: RunIndex;
  /** @throws {StorageConflictError} if another program has written it meanwhile */
  write(change: Partial<Pick<RunIndex, "checkpoints" | "files">>): Promise<void>;
}

/**
 * Reads a run's index, or begins an empty one.
 *
 * It is written by compare-and-swap (`If-Match`), so that a program that was cut off, and whose run another has taken
 * up, cannot turn it back. A server that does not know that header lets the last one win.
 *
 * @throws {StorageError} if it is none
 */
export const readIndex = async (objects: S3Objects, name: string): Promise<RunIndexFile> => {
  const key = `${name}/index.json`;
  const found = await objects.get(key);
  let etag = found?.etag ?? null;
  let value: RunIndex = { format: 1, writer: WRITER, checkpoints: [], files: [] };
  if (found) {
    const parsed = parseIndex(found.bytes);
    if (!parsed) throw new StorageError(`Cannot read ${key} of the storage: it is no index of a run`);
    value = parsed;
  }
  return {
    get value() {
      return value;
    },
    write: async (change) => {
      const next = { ...value, ...change, writer: WRITER };
      const bytes = new TextEncoder().encode(JSON.stringify(next));
      let written = await objects.put(key, bytes, { etag });
      if (written === null) {
        // An earlier write may have arrived though its answer did not: then the version there is this program's.
        const found = await objects.get(key);
        const isOurs = found && parseIndex(found.bytes)?.writer === WRITER;
        written = isOurs ? await objects.put(key, bytes, { etag: found.etag }) : null;
      }
      if (written === null) {
        throw new StorageConflictError(`Cannot write ${key}: another machine has gone on with this run`);
      }
      etag = written;
      value = next;
    },
  };
};
