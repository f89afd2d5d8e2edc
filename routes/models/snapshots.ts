import { basename, dirname, join, relative } from "@std/path";
import { isTaken } from "../../files/exists.ts";
import { cardPath } from "../../model/card.ts";
import { ModelError } from "../../model/error.ts";
import { findModel } from "../../model/model_files.ts";
import { ModelRefusedError } from "../../serving/serving.ts";
import { DigestError, readDigests } from "../../training/digest.ts";
import { realPathBelow } from "./checkpoints.ts";

/** Checkpoints that are served, kept for as long: a run may remove its own, and the engine be restarted after that. */
export interface ModelSnapshots {
  /**
   * Keeps the model of a checkpoint, by further names of its files where the disk allows it: they take no room twice.
   *
   * @param part a folder within the checkpoint; "" is the checkpoint itself
   * @returns the folder that is kept; the one that was given, where nothing can be written below the root
   * @throws {ModelRefusedError} if a file is missing, leads out of the root, or is not as it was written
   */
  take(checkpoint: string, part?: string): Promise<string>;
  /** Removes what `take` returned; nothing where it is none of it. */
  remove(folder: string): Promise<void>;
  /** Removes all. */
  close(): Promise<void>;
}

/** What says that a checkpoint is no longer there, or not as it was. */
const DAMAGE = [Deno.errors.NotFound, DigestError, ModelError];

/**
 * Finds the files of a model, all links followed.
 *
 * @throws {ModelRefusedError} if one is missing, or leads out of the root
 */
export const findModelFiles = async (root: string, folder: string): Promise<{ file: string; real: string }[]> => {
  const found = await findModel(folder);
  const files = [found.unet, found.weights, found.scheduler, found.index];
  for (const file of [join(folder, "denoise.json"), cardPath(folder)]) if (await isTaken(file)) files.push(file);
  return await Promise.all(
    files.filter((file) => file !== null).map(async (file) => {
      const real = await realPathBelow(root, file);
      if (real !== null) return { file, real };
      throw new ModelRefusedError(`Cannot read ${file}: there is no such file below ${root}/`);
    }),
  );
};

const linkOrCopy = async (from: string, to: string): Promise<void> => {
  await Deno.mkdir(dirname(to), { recursive: true });
  await Deno.link(from, to).catch(() => Deno.copyFile(from, to));
};

const checkDigest = async (file: string, path: string, sums: ReadonlyMap<string, string>): Promise<void> => {
  const digest = await crypto.subtle.digest("SHA-256", await Deno.readFile(file));
  if (new Uint8Array(digest).toHex() !== sums.get(path)) throw new DigestError(`${path}: it is not as it was written`);
};

/** Removes what servers left that did not end by themselves: nobody holds their locks any more. */
const removeAbandoned = async (folder: string): Promise<void> => {
  for await (const { name } of Deno.readDir(folder)) {
    const other = join(folder, name);
    using lock = await Deno.open(join(other, "lock"), { write: true }).catch(() => null);
    if (await lock?.tryLock(true)) await Deno.remove(other, { recursive: true });
  }
};

/**
 * Makes an empty store, which makes its folder when it is first needed.
 *
 * @param root what may be kept lies below it; the store's folder does too
 */
export const createModelSnapshots = (root: string): ModelSnapshots => {
  const all = join(root, ".served");
  const own = join(all, crypto.randomUUID());
  let opened: Promise<Deno.FsFile> | null = null;
  let last = 0;

  const open = async () => {
    await Deno.mkdir(own, { recursive: true });
    const lock = await Deno.open(join(own, "lock"), { write: true, create: true });
    await lock.lock(true);
    await removeAbandoned(all);
    return lock;
  };

  const canOpen = () =>
    (opened ??= open()).then(() => true, () => {
      opened = null;
      return false;
    });

  const take: ModelSnapshots["take"] = async (checkpoint, part = "") => {
    const folder = join(checkpoint, part);
    const snapshot = join(own, `${++last}`, basename(folder));
    try {
      const files = await findModelFiles(root, folder);
      const sums = readDigests(checkpoint);
      for (const { file, real } of sums === null ? [] : files) {
        await checkDigest(real, relative(checkpoint, file).replaceAll("\\", "/"), sums!);
      }
      if (!await canOpen()) return folder;
      for (const { file, real } of files) await linkOrCopy(real, join(snapshot, relative(folder, file)));
      return snapshot;
    } catch (cause) {
      await remove(snapshot);
      if (cause instanceof ModelRefusedError) throw cause;
      if (!DAMAGE.some((kind) => cause instanceof kind)) throw cause;
      throw new ModelRefusedError(`Cannot read ${folder}: ${(cause as Error).message}`, { cause });
    }
  };

  const remove = async (folder: string): Promise<void> => {
    if (dirname(dirname(folder)) === own) await Deno.remove(dirname(folder), { recursive: true }).catch(() => {});
  };

  return {
    take,
    remove,
    close: async () => {
      (await opened?.catch(() => null))?.close();
      if (opened) await Deno.remove(own, { recursive: true }).catch(() => {});
    },
  };
};
