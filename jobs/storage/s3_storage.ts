import { basename, dirname, join } from "@std/path";
import { removeQuietly, renameDurably, replaceFile, syncTree } from "../../files/durable.ts";
import { DigestError, readDigests, SUMS_FILE } from "../../training/digest.ts";
import { readIndex, type RunIndex, type RunIndexFile } from "./run_index.ts";
import { openS3Objects, type S3Objects, s3Settings } from "./s3.ts";
import { type RunStorage, StorageError } from "./storage.ts";

/** What of a run folder is pushed beside its checkpoints. */
const FILES = ["config.json", "metrics.jsonl"], FOLDERS = ["samples", "tensorboard"];

/** A file, and what changes when it does. */
export interface RunFile {
  readonly path: string;
  readonly version: string;
}

const CHECKPOINT = /^checkpoints\/step-(\d+)$/;

/** The files of a run beside its checkpoints; those with leading dots and partial ones are left out. */
const listRunFiles = async (run: string): Promise<RunFile[]> => {
  const found: RunFile[] = [];
  const add = async (path: string) => {
    const info = await Deno.stat(join(run, path)).catch(unlessNotFound);
    if (info?.isFile) found.push({ path, version: `${info.size} ${info.mtime?.getTime()}` });
  };
  for (const path of FILES) await add(path);
  for (const folder of FOLDERS) {
    const entries = await Array.fromAsync(Deno.readDir(join(run, folder))).catch(unlessNotFound) ?? [];
    for (const { name } of entries) {
      if (/^\w[\w.-]*$/.test(name) && !name.endsWith(".partial")) await add(`${folder}/${name}`);
    }
  }
  return found;
};

/** The step of the checkpoint that a run's `latest` names; `null` if there is none. */
const latestStep = async (run: string): Promise<number | null> => {
  const text = await Deno.readTextFile(join(run, "latest")).catch(unlessNotFound);
  const step = CHECKPOINT.exec(text?.trim() ?? "")?.[1];
  if (step === undefined) return null;
  const folder = await Deno.stat(join(run, "checkpoints", `step-${step}`)).catch(unlessNotFound);
  return folder ? Number(step) : null;
};

/** For `catch`: nothing where there is nothing. */
const unlessNotFound = (error: unknown): undefined => {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
};

/** What is known of a run between its pushes. */
export interface PushState {
  readonly index: RunIndexFile;
  /** Versions of the files that are there, by path. */
  readonly versions: Map<string, string>;
}

const checkpointKey = (name: string, step: number) => `${name}/checkpoints/step-${step}`;

/** How many checkpoints the run keeps, by its own options. */
const retentionOf = async (run: string): Promise<number> => {
  const text = await Deno.readTextFile(join(run, "config.json")).catch(unlessNotFound);
  const { keep } = JSON.parse(text ?? "{}");
  return Number.isInteger(keep) && keep >= 1 ? keep : Infinity;
};

const pushFiles = async (
  objects: S3Objects,
  { run, name, files }: { run: string; name: string; files: readonly RunFile[] },
  { index, versions }: PushState,
) => {
  for (const { path, version } of files) {
    await objects.put(`${name}/${path}`, await Deno.readFile(join(run, path)));
    versions.set(path, version);
  }
  const paths = new Set([...index.value.files, ...files.map(({ path }) => path)]);
  if (paths.size > index.value.files.length) await index.write({ files: [...paths] });
};

/** @returns whether all of it was there to be read: a run removes old checkpoints, this one perhaps */
const putCheckpoint = async (objects: S3Objects, folder: string, key: string): Promise<boolean> => {
  try {
    // Its list of files comes first, so that what a torn push left can be removed by it.
    const sums = readDigests(folder);
    if (!sums) return false;
    for (const path of [SUMS_FILE, ...sums.keys()]) {
      await objects.put(`${key}/${path}`, await Deno.readFile(join(folder, path)));
    }
    return true;
  } catch (error) {
    unlessNotFound(error);
    return false;
  }
};

const removeCheckpoint = async (objects: S3Objects, key: string): Promise<void> => {
  const sums = await objects.get(`${key}/${SUMS_FILE}`);
  const lines = sums ? new TextDecoder().decode(sums.bytes).split("\n") : [];
  const paths = lines.map((line) => /^[0-9a-f]{64} {2}(.+)$/.exec(line)?.[1]).filter((path) => path !== undefined);
  for (const path of [...paths, SUMS_FILE]) await objects.remove(`${key}/${path}`);
};

/**
 * Pushes what a run has added: its small files, then its last checkpoint, announced in the index before its first file
 * and called whole behind its last one; then the ones that are too many, or that a torn push left, are removed.
 */
const pushRun = async (objects: S3Objects, run: string, name: string, pushed: PushState): Promise<void> => {
  const { index, versions } = pushed;
  const files = (await listRunFiles(run)).filter(({ path, version }) => versions.get(path) !== version);
  const step = await latestStep(run);
  const isThere = step === null || index.value.checkpoints.some((one) => one.step === step && one.whole);
  if (files.length === 0 && isThere) return;

  // The index comes first: whoever lost the run meanwhile must not touch its files.
  await index.write({});
  await pushFiles(objects, { run, name, files }, pushed);
  if (isThere) return;

  const others = index.value.checkpoints.filter((one) => one.step !== step);
  await index.write({ checkpoints: [...others, { step, whole: false }] });
  const key = checkpointKey(name, step);
  if (!await putCheckpoint(objects, join(run, "checkpoints", `step-${step}`), key)) return;

  const whole = [...others.filter((one) => one.whole).map((one) => one.step), step].sort((a, b) => a - b);
  const retained = whole.slice(-Math.min(await retentionOf(run), whole.length));
  const gone = [...others.filter((one) => !one.whole).map((one) => one.step), ...whole.slice(0, -retained.length)];
  const state = (whole: boolean) => (step: number) => ({ step, whole });
  await index.write({ checkpoints: [...retained.map(state(true)), ...gone.map(state(false))] });
  await objects.put(`${name}/latest`, new TextEncoder().encode(`checkpoints/step-${retained.at(-1)}\n`));
  for (const step of gone) await removeCheckpoint(objects, checkpointKey(name, step));
  if (gone.length > 0) await index.write({ checkpoints: retained.map(state(true)) });
};

const writeFile = async (path: string, bytes: Uint8Array): Promise<void> => {
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
  await writeFile(join(folder, SUMS_FILE), await read(SUMS_FILE));
  for (const [path, digest] of readDigests(folder)!) {
    if (path.split("/").includes("..")) {
      throw new DigestError(`${path}: ${SUMS_FILE} must name files of the checkpoint`);
    }
    const bytes = await read(path);
    if (await sha256(bytes) !== digest) throw new DigestError(`${path}: it is not as it was written`);
    await writeFile(join(folder, path), bytes);
  }
  syncTree(folder);
};

/**
 * Brings a run's newest sound checkpoint here, unless the one here is as new, and with it the files beside it. `latest`
 * names it last: whoever is killed before goes on from what was here.
 *
 * @throws {StorageError} if the storage says that there are checkpoints, and none is sound
 */
const fetchRun = async (objects: S3Objects, run: string, name: string, index: RunIndex): Promise<void> => {
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

/** What is done with one run: one thing after another. */
interface Work {
  /** What is known of it since it was claimed. */
  pushed: PushState | null;
  /** What was begun last, or waits. */
  last: Promise<unknown>;
  /** A push that has not begun yet. */
  waiting: Promise<void> | null;
}

/**
 * Keeps runs in a bucket. Under `NAME/` lies what a run folder holds, under the same paths, so that a plain copy is one;
 * and `index.json`, which says which checkpoints are whole. It takes the rights to get, put and delete objects; without
 * that to list the bucket, Amazon's answers 403 where there is no object, which is taken for a refusal.
 *
 * @throws {RangeError} as `s3Settings` does
 */
export const openS3Storage = (url: string, environment: (name: string) => string | undefined): RunStorage => {
  const objects = openS3Objects(s3Settings(url, environment));
  const runs = new Map<string, Work>();

  const workOn = (run: string): Work => {
    const work = runs.get(run) ?? { pushed: null, last: Promise.resolve(), waiting: null };
    runs.set(run, work);
    return work;
  };
  const enqueue = (work: Work, task: () => Promise<void>): Promise<void> => {
    const next = work.last.then(task, task);
    work.last = next.catch(() => {});
    return next;
  };

  return {
    description: url,
    fetch: (run, { claim = false } = {}) => {
      const work = workOn(run), name = basename(run);
      return enqueue(work, async () => {
        const index = await readIndex(objects, name);
        if (claim) {
          work.pushed = { index, versions: new Map() };
          await index.write({});
        }
        await fetchRun(objects, run, name, index.value);
      });
    },
    push: (run) => {
      const work = workOn(run), name = basename(run);
      work.waiting ??= enqueue(work, async () => {
        work.waiting = null;
        work.pushed ??= { index: await readIndex(objects, name), versions: new Map() };
        await pushRun(objects, run, name, work.pushed);
      });
      return work.waiting;
    },
  };
};
