import { join } from "@std/path";
import { type Recipe, remoteTrainOptions } from "../options.ts";
import { RunError } from "../run_error.ts";

/** `runs/mnist-linear-20261123-153000`, in UTC. */
export const defaultRunFolder = ({ data, schedule }: Recipe, now = new Date()): string => {
  const [date, time] = now.toISOString().replace(/[-:]/g, "").split("T");
  return `runs/${data}-${schedule}-${date}-${time.slice(0, 6)}`;
};

/**
 * Makes the folder of a new run and writes its recipe there.
 *
 * @throws {RunError} if a run is there already
 */
export const createRunFolder = async (run: string, recipe: Recipe): Promise<void> => {
  await Deno.mkdir(join(run, "samples"), { recursive: true });
  await Deno.mkdir(join(run, "checkpoints"), { recursive: true });
  try {
    await Deno.writeTextFile(join(run, "config.json"), JSON.stringify(recipe, null, 2) + "\n", { createNew: true });
  } catch (cause) {
    if (!(cause instanceof Deno.errors.AlreadyExists)) throw cause;
    throw new RunError(`Cannot start a run in ${run}: there is one; deno task train --resume ${run} goes on with it`, {
      cause,
    });
  }
};

/**
 * Reads the recipe of a run.
 *
 * @throws {RunError} if the folder holds no run, or a damaged one
 */
export const readRecipe = async (run: string): Promise<Recipe> => {
  const path = join(run, "config.json");
  try {
    return remoteTrainOptions.parse(JSON.parse(await Deno.readTextFile(path)));
  } catch (cause) {
    if (cause instanceof Deno.errors.NotCapable) throw cause;
    const reason = cause instanceof Deno.errors.NotFound ? "there is no such file" : "it is no recipe of this program";
    throw new RunError(`Cannot resume ${run}: ${path}: ${reason}`, { cause });
  }
};
