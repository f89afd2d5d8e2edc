import { basename, join } from "@std/path";
import type { DataEvent } from "../../datasets/cache.ts";
import { resolveDataName } from "../../datasets/catalogue.ts";
import { DatasetError } from "../../datasets/dataset.ts";
import { isBuiltin } from "../../datasets/names.ts";
import { exists, unlessMissing } from "../../files/exists.ts";
import { checkNeeds, type NeedLimits } from "../../training/needs.ts";
import { givenFields, type RecipeOptions, resolveRecipe } from "../../training/recipe.ts";
import type { OptionValues } from "../jobs.ts";
import { prepareInProcess } from "../prepare_data.ts";

/** What a job's options name, found on this machine. */
export interface Inputs {
  /** The options as the command line takes them: paths where there were names. */
  readonly options: OptionValues;
  /** What the job has to read for them. */
  readonly read: readonly string[];
}

const namesIn = async (folder: string): Promise<string[]> => {
  try {
    return (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
};

/**
 * Finds what a job's options name, and so what its process has to read. Data that is not prepared yet is prepared, by a
 * process of its own.
 *
 * @param run the job's own folder
 * @param runs the folder of runs here, one of which may be where the job's weights come from
 * @param limits what the job may take, if it begins
 * @param grace milliseconds that a preparation may take to stop
 * @param signal calls the preparation off
 * @throws {DatasetError} if there is no such data here, or no checkpoint to begin from
 * @throws {ParameterError} if it would take more than it may
 */
export const findInputs = async (
  run: string,
  options: OptionValues,
  { runs, models = "models", limits, tensorflow, grace, signal, onProgress }: {
    runs: string;
    models?: string;
    limits: NeedLimits;
    tensorflow?: string;
    grace?: number;
    signal?: AbortSignal;
    onProgress?: (event: DataEvent) => void;
  },
): Promise<Inputs> => {
  const recipe = resolveRecipe(options as RecipeOptions);
  const { data, size } = recipe;
  const { init } = options;
  const named: Record<string, string> = {};
  const read: string[] = [];
  const path = typeof data === "string" ? await resolveDataName(data) : null;
  if (path !== null && !isBuiltin(data!)) named.data = path;
  if (typeof init === "string") {
    const isModel = (await namesIn(models)).includes(init);
    named.init = isModel ? join(models, init) : await lastCheckpoint(join(runs, basename(init)));
    read.push(named.init);
  }
  // One that goes on has its data and checkpoints already.
  if (!await hasBegun(run)) {
    await checkNeeds({ ...recipe, ...named }, limits, {
      given: givenFields(options as RecipeOptions),
      tensorflow,
      signal,
    });
  }
  if (path !== null) {
    read.push(...await prepareInProcess(path, { size: size ?? undefined, grace, signal, onProgress }));
  }
  return { options: { ...options, ...named }, read };
};

const lastCheckpoint = async (run: string): Promise<string> => {
  const latest = await unlessMissing(Deno.readTextFile(join(run, "latest")));
  if (latest === null) throw new DatasetError(`init must be a run that has a checkpoint here, and ${run} has none`);
  return join(run, "checkpoints", basename(latest.trim()));
};

const hasBegun = (run: string): Promise<boolean> => exists(join(run, "config.json"));

/** What `train` is given for a run. One that has begun goes on by its own recipe; its end may have been moved. */
export const trainArguments = async (run: string, options: OptionValues): Promise<OptionValues> => {
  if (!await hasBegun(run)) return { ...options, out: run };
  return { resume: run, steps: options.steps ?? null, engine: options.engine ?? null };
};
