import { join } from "@std/path";
import { readSums, SUMS } from "../training/digest.ts";
import { latestStep, listRunFiles, type RunFile, unlessNotFound } from "./run_files.ts";
import type { IndexKeeper } from "./run_index.ts";
import type { S3Objects } from "./s3_objects.ts";

/** What is known of a run between its pushes. */
export interface Pushed {
  readonly index: IndexKeeper;
  /** Versions of the files that are there, by path. */
  readonly versions: Map<string, string>;
}

const checkpointKey = (name: string, step: number) => `${name}/checkpoints/step-${step}`;

/** How many checkpoints the run keeps, by its own options. */
const keepOf = async (run: string): Promise<number> => {
  const text = await Deno.readTextFile(join(run, "config.json")).catch(unlessNotFound);
  const { keep } = JSON.parse(text ?? "{}");
  return Number.isInteger(keep) && keep >= 1 ? keep : Infinity;
};

const pushFiles = async (
  objects: S3Objects,
  { run, name, files }: { run: string; name: string; files: readonly RunFile[] },
  { index, versions }: Pushed,
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
    const sums = readSums(folder);
    if (!sums) return false;
    for (const path of [SUMS, ...sums.keys()]) {
      await objects.put(`${key}/${path}`, await Deno.readFile(join(folder, path)));
    }
    return true;
  } catch (error) {
    unlessNotFound(error);
    return false;
  }
};

const removeCheckpoint = async (objects: S3Objects, key: string): Promise<void> => {
  const sums = await objects.get(`${key}/${SUMS}`);
  const lines = sums ? new TextDecoder().decode(sums.bytes).split("\n") : [];
  const paths = lines.map((line) => /^[0-9a-f]{64} {2}(.+)$/.exec(line)?.[1]).filter((path) => path !== undefined);
  for (const path of [...paths, SUMS]) await objects.remove(`${key}/${path}`);
};

/**
 * Pushes what a run has added: its small files, then its last checkpoint, announced in the index before its first file
 * and called whole behind its last one; then the ones that are too many, or that a torn push left, are removed.
 */
export const pushRun = async (objects: S3Objects, run: string, name: string, pushed: Pushed): Promise<void> => {
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
  const kept = whole.slice(-Math.min(await keepOf(run), whole.length));
  const gone = [...others.filter((one) => !one.whole).map((one) => one.step), ...whole.slice(0, -kept.length)];
  const state = (whole: boolean) => (step: number) => ({ step, whole });
  await index.write({ checkpoints: [...kept.map(state(true)), ...gone.map(state(false))] });
  await objects.put(`${name}/latest`, new TextEncoder().encode(`checkpoints/step-${kept.at(-1)}\n`));
  for (const step of gone) await removeCheckpoint(objects, checkpointKey(name, step));
  if (gone.length > 0) await index.write({ checkpoints: kept.map(state(true)) });
};
