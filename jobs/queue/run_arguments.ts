import { join } from "@std/path";
import type { TrainingEvent } from "../events.ts";
import type { OptionValues } from "../launch.ts";
import { runOf } from "./row.ts";

const isThere = async (path: string): Promise<boolean> => {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
};

/** What `train` is given for a run. One that has begun goes on by its own recipe; its end may have been moved. */
export const argumentsOf = async (run: string, options: OptionValues): Promise<OptionValues> => {
  if (!await isThere(join(run, "config.json"))) return { ...options, out: run };
  return { resume: run, steps: options.steps ?? null, engine: options.engine ?? null };
};

/** An event whose paths are as others know them, wherever runs lie here. */
export const asOthersSee = (event: TrainingEvent, run: string, id: string): TrainingEvent =>
  JSON.parse(
    JSON.stringify(event),
    (_, value) =>
      typeof value === "string" && `${value}/`.startsWith(`${run}/`) ? runOf(id) + value.slice(run.length) : value,
  );
