import { dirname, join } from "@std/path";
import { DigestError, readSums, SUMS } from "../training/digest.ts";
import { removeQuietly, renameDurably, replaceFile, syncTree } from "../training/durable.ts";
import { latestStep } from "./run_files.ts";
import type { RunIndex } from "./run_index.ts";
import type { S3Objects } from "./s3_objects.ts";
import { StorageError } from "./storage.ts";

const save = async (path: string, bytes: Uint8Array): Promise<void> => {
  await Deno.mkdir(dirname(path), { recursive: true });
  await Deno.writeFile(path, bytes);
};

const sha256 = async (bytes: Uint8Array<ArrayBuffer>) =>
  new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();

/** @throws {DigestError} if a file is absent or not as it was written */
const fetchCheckpoint = async (objects: S3Objects, key: string, folder: string): Promise<void> => {
  const read = async (path: string) => {
    const found = await objects.get(`${key}/${path}`);
    if (!found) throw new DigestError(`${path}: the storage has no such file`);
    return found.bytes;
  };
  await save(join(folder, SUMS), await read(SUMS));
  for (const [path, digest] of readSums(folder)!) {
    if (path.split("/").includes("..")) throw new DigestError(`${path}: ${SUMS} must name files of the checkpoint`);
    const bytes = await read(path);
    if (await sha256(bytes) !== digest) throw new DigestError(`${path}: it is not as it was written`);
    await save(join(folder, path), bytes);
  }
  syncTree(folder);
};

/**
 * Brings a run's newest sound checkpoint here, unless the one here is as new, and with it the files beside it. `latest`
 * names it last: whoever is killed before goes on from what was here.
 *
 * @throws {StorageError} if the storage says that there are checkpoints, and none is sound
 */
export const fetchRun = async (objects: S3Objects, run: string, name: string, index: RunIndex): Promise<void> => {
  const here = await latestStep(run) ?? -1;
  const steps = index.checkpoints.filter(({ whole }) => whole).map(({ step }) => step).sort((a, b) => b - a);
  const damaged: string[] = [];
  for (const step of steps) {
    if (step <= here) return;
    const relative = `checkpoints/step-${step}`;
    const folder = join(run, "checkpoints", `step-${step}`),
      partial = join(run, "checkpoints", `.step-${step}.fetched`);
    try {
      removeQuietly(partial);
      await fetchCheckpoint(objects, `${name}/${relative}`, partial);
    } catch (error) {
      removeQuietly(partial);
      if (!(error instanceof DigestError)) throw error;
      damaged.push(`${relative}/${error.message}`);
      continue;
    }
    for (const path of index.files) {
      const found = await objects.get(`${name}/${path}`);
      if (!found) continue;
      await Deno.mkdir(dirname(join(run, path)), { recursive: true });
      await replaceFile(join(run, path), found.bytes);
    }
    removeQuietly(folder);
    renameDurably(partial, folder);
    await replaceFile(join(run, "latest"), `${relative}\n`);
    return;
  }
  if (damaged.length > 0 && here < 0) {
    throw new StorageError(`Cannot go on with ${name}: no checkpoint of the storage is sound: ${damaged.join("; ")}`);
  }
};
