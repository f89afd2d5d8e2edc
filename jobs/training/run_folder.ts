import { basename, dirname, join } from "@std/path";
import { writing } from "../disk_error.ts";
import { parseRecipe, type Recipe } from "../recipe.ts";
import { RunError } from "../run_error.ts";
import { listSteps } from "./checkpoint_files.ts";
import { partialOf, replaceFile, syncFolder } from "./durable.ts";
import { lockRun } from "./lock.ts";

const exists = (path: string): boolean => {
  try {
    Deno.statSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
};

/** `runs/mnist-linear-20261123-153000`, in UTC. */
export const defaultRunFolder = ({ data, schedule }: Recipe, now = new Date()): string => {
  const [date, time] = now.toISOString().replace(/[-:]/g, "").split("T");
  return `runs/${basename(data ?? "data")}-${schedule ?? "tuned"}-${date}-${time.slice(0, 6)}`;
};

const makeFolder = (folder: string): void => {
  if (exists(folder)) return;
  Deno.mkdirSync(folder, { recursive: true });
  syncFolder(dirname(folder));
};

/**
 * Makes the folder of a new run, locks it and writes its recipe there.
 *
 * @returns the lock, to dispose when the run ends
 * @throws {RunError} if a run is there already, or another process holds the folder
 * @throws {DiskError} if the system refuses
 */
export const createRunFolder = async (run: string, recipe: Recipe): Promise<Disposable> => {
  const config = join(run, "config.json");
  const refuseIfTaken = () => {
    if (!exists(config) && listSteps(join(run, "checkpoints")).length === 0) return;
    throw new RunError(`Cannot start a run in ${run}: there is one; deno task train --resume ${run} goes on with it`);
  };
  refuseIfTaken();
  await writing(run, () => [run, join(run, "samples"), join(run, "checkpoints")].forEach(makeFolder));
  const lock = await lockRun(run);
  try {
    // Another process may have started one while this one waited for the lock.
    refuseIfTaken();
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
  await writing(run, () => [join(run, "samples"), join(run, "checkpoints")].forEach(makeFolder));
  return lock;
};

const SAMPLE = /^step-(\d+)\.png$/;

/**
 * Brings a run's folder back to where it stood after a step: removes samples of later ones, and whatever a write that
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
