import { basename, dirname, join } from "@std/path";
import { partialOf, replaceFile, syncFolder, writing } from "../files/durable.ts";
import { exists } from "../files/exists.ts";
import { readCheckpoint } from "./checkpoint.ts";
import { listSteps, type StoredState } from "./checkpoint_files.ts";
import { compareData, type DataFacts } from "./data_facts.ts";
import { RunError } from "./errors.ts";
import { lockRun } from "./lock.ts";
import { parseRecipe, type Recipe } from "./recipe.ts";

/** `runs/mnist-linear-20261123-153000`, in UTC. */
export const defaultRunFolder = ({ data, schedule }: Recipe, now = new Date()): string => {
  const [date, time] = now.toISOString().replace(/[-:]/g, "").split("T");
  return `runs/${basename(data ?? "data")}-${schedule ?? "tuned"}-${date}-${time.slice(0, 6)}`;
};

const makeFolder = async (folder: string): Promise<void> => {
  if (await exists(folder)) return;
  Deno.mkdirSync(folder, { recursive: true });
  const parent = dirname(folder);
  // Where a process may read the run's folder alone, the device gets the folder's own entry when it will.
  if (Deno.permissions.querySync({ name: "read", path: parent }).state === "granted") syncFolder(parent);
};

const makeFolders = (run: string, folders: readonly string[]): Promise<void> =>
  writing(run, async () => {
    for (const folder of folders) await makeFolder(folder);
  });

/**
 * Makes the folder of a new run, locks it and writes its recipe there.
 *
 * @returns the lock, to dispose when the run ends
 * @throws {RunError} if a run is there already, or another process holds the folder
 * @throws {DiskError} if the system refuses
 */
export const createRunFolder = async (run: string, recipe: Recipe): Promise<Disposable> => {
  const config = join(run, "config.json");
  const refuseIfTaken = async () => {
    if (!await exists(config) && listSteps(join(run, "checkpoints")).length === 0) return;
    throw new RunError(`Cannot start a run in ${run}: there is one; deno task train --resume ${run} goes on with it`);
  };
  await refuseIfTaken();
  await makeFolders(run, [run, join(run, "samples"), join(run, "checkpoints")]);
  const lock = await lockRun(run);
  try {
    // Another process may have started one while this one waited for the lock.
    await refuseIfTaken();
    await replaceFile(config, JSON.stringify(recipe, null, 2) + "\n");
    return lock;
  } catch (error) {
    lock[Symbol.dispose]();
    throw error;
  }
};

/**
 * Locks a run's folder, to go on with it.
 *
 * @returns the lock, to dispose when the run ends
 * @throws {RunError} if another process holds it
 */
export const reopenRunFolder = async (run: string): Promise<Disposable> => {
  const lock = await lockRun(run);
  // The run may have been killed before they were there.
  await makeFolders(run, [join(run, "samples"), join(run, "checkpoints")]);
  return lock;
};

const SAMPLE = /^step-(\d+)\.png$/;

/**
 * Brings a run's folder back to its state after a step: removes samples of later ones, and whatever a write that
 * was cut off left. Later checkpoints stay; they are replaced when the run gets there.
 */
export const rewindRunFolder = (run: string, step: number): Promise<void> =>
  writing(run, () => {
    const remove = (folder: string, isStale: (name: string) => boolean) => {
      for (const { name } of [...Deno.readDirSync(folder)]) {
        if (isStale(name)) Deno.removeSync(join(folder, name), { recursive: true });
      }
    };
    const isPartial = (name: string) => name.endsWith(partialOf(""));
    remove(run, isPartial);
    remove(join(run, "checkpoints"), (name) => name.startsWith("."));
    remove(join(run, "samples"), (name) => isPartial(name) || Number(SAMPLE.exec(name)?.[1] ?? 0) > step);
  });

/**
 * Reads the recipe of a run.
 *
 * @throws {RunError} if the folder holds no run, or a damaged one
 */
export const readRecipe = async (run: string): Promise<Recipe> => {
  const path = join(run, "config.json");
  try {
    return parseRecipe(JSON.parse(await Deno.readTextFile(path)));
  } catch (cause) {
    if (cause instanceof Deno.errors.NotCapable) throw cause;
    const reason = cause instanceof Deno.errors.NotFound ? "there is no such file" : "it is no recipe of this program";
    throw new RunError(`Cannot resume ${run}: ${path}: ${reason}`, { cause });
  }
};

/**
 * Reads the state that a run has reached and brings its folder back to it, so that it goes on as if it had never ended.
 * The caller holds the run's lock.
 *
 * @param options.data what it is to go on with
 * @param options.isMoved whether that is not where the recipe says
 * @param options.notice receives damaged checkpoints, which are passed over
 * @returns null if the run was ended before its first checkpoint: it starts again, by its recipe
 * @throws {RunError} if no checkpoint is whole, the run is past `steps` already, or the data are not those that it was
 * trained on
 */
export const restoreRun = async (
  run: string,
  { ema: rates, steps }: Pick<Recipe, "ema" | "steps">,
  { data, isMoved, notice }: { data: DataFacts; isMoved: boolean; notice: (message: string) => void },
): Promise<StoredState | null> => {
  const { stored, damage } = await readCheckpoint(run, { rates });
  const step = stored?.step ?? 0;
  if (steps < step) {
    throw new RunError(`Cannot resume ${run}: --steps must be ≥ ${step}, where it stands, received ${steps}`);
  }
  if (isMoved && !stored?.data) {
    throw new RunError(`Cannot resume ${run}: --data must be left out, for no checkpoint says what it was trained on`);
  }
  const difference = stored?.data ? compareData(stored.data, data) : null;
  if (difference !== null) throw new RunError(`Cannot resume ${run}: its data have changed: ${difference}`);
  for (const { path, reason } of damage) notice(`Passed over ${path}: ${reason}`);
  if (damage.length > 0) notice(`Going on from ${run}/checkpoints/step-${step}`);
  await rewindRunFolder(run, step);
  return stored;
};
