import { join } from "@std/path";
import { checkpointFolder, listSteps } from "../../jobs/training/checkpoint_files.ts";

/** What a training process was at when it was killed. */
export const PLACES = [
  "starting, before the run's recipe was there",
  "starting, or reading its checkpoint",
  "a step",
  "writing samples",
  "writing a checkpoint",
  "between a checkpoint and latest",
  "pruning",
] as const;

/** One of {@linkcode PLACES}. */
export type Place = typeof PLACES[number];

const entriesOf = (folder: string): string[] => {
  try {
    return [...Deno.readDirSync(folder)].map(({ name }) => name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
};

const readLatest = (run: string): string | null => {
  try {
    return Deno.readTextFileSync(join(run, "latest")).trim();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
};

/**
 * Tells from what a killed process left what it was at.
 *
 * @param options.hasStarted whether it had said so
 * @param options.keep checkpoints that the run keeps
 */
export const whereKilled = (
  run: string,
  { hasStarted, keep }: { hasStarted: boolean; keep: number },
): Place => {
  const entries = entriesOf(run);
  if (!entries.includes("config.json")) return "starting, before the run's recipe was there";
  if (!hasStarted) return "starting, or reading its checkpoint";
  const checkpoints = entriesOf(join(run, "checkpoints"));
  if (checkpoints.some((name) => /^\.step-\d+\.(partial|replaced)$/.test(name))) return "writing a checkpoint";
  const [newest] = listSteps(join(run, "checkpoints"));
  if (newest !== undefined && readLatest(run) !== checkpointFolder(newest)) return "between a checkpoint and latest";
  const isOver = listSteps(join(run, "checkpoints")).length > keep;
  if (isOver || checkpoints.some((name) => name.endsWith(".pruned"))) return "pruning";
  return entriesOf(join(run, "samples")).some((name) => name.endsWith(".partial")) ? "writing samples" : "a step";
};
