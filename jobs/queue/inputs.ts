import { basename, join } from "@std/path";
import { DATA_ROOT, isBuiltin, resolveDataName } from "../data/names.ts";
import type { OptionValues } from "../launch.ts";
import { resolveRecipe } from "../recipe.ts";

/** What a job's options name, found on this machine. */
export interface Inputs {
  /** The options as the command line takes them: paths where there were names. */
  readonly options: OptionValues;
  /** What the job has to read for them. */
  readonly read: readonly string[];
}

const entriesOf = async (folder: string): Promise<string[]> => {
  try {
    return (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
};

/** The caches that can be a data set's: their names begin with its own. */
const cachesOf = async (data: string, root: string): Promise<string[]> => {
  const folder = join(root, ".prepared");
  const letters = (text: string) => text.toLowerCase().replace(/[^a-z0-9]/g, "");
  const own = letters(basename(data).replace(/\.(npz|gz|bin)$/, ""));
  return (await entriesOf(folder)).filter((name) => letters(name).startsWith(own)).map((name) => join(folder, name));
};

/**
 * Finds what a job's options name, and so what its process has to read.
 *
 * @param runs the folder of runs here, one of which may be where the job's weights come from
 * @throws {DatasetError} if there is no such data here
 */
export const findInputs = async (
  options: OptionValues,
  { runs, root = DATA_ROOT, models = "models" }: { runs: string; root?: string; models?: string },
): Promise<Inputs> => {
  const { data } = resolveRecipe(options as Parameters<typeof resolveRecipe>[0]);
  const { init } = options;
  const named: Record<string, string> = {};
  const read: string[] = [];
  if (typeof data === "string") {
    const path = await resolveDataName(data, root);
    if (!isBuiltin(data)) {
      named.data = path;
      read.push(path);
    }
    read.push(...await cachesOf(data, root));
  }
  if (typeof init === "string") {
    const isModel = (await entriesOf(models)).includes(init);
    named.init = isModel ? join(models, init) : await lastCheckpoint(join(runs, basename(init)));
    read.push(named.init);
  }
  return { options: { ...options, ...named }, read };
};

const lastCheckpoint = async (run: string): Promise<string> => {
  const latest = (await Deno.readTextFile(join(run, "latest"))).trim();
  return join(run, "checkpoints", basename(latest));
};
