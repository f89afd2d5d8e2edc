import type { Recipe } from "../recipe.ts";
import { RunError } from "../run_error.ts";
import { readCheckpoint } from "./read_checkpoint.ts";
import { rewindRunFolder } from "./run_folder.ts";
import type { StoredState } from "./state.ts";

/**
 * Reads where a run stands and brings its folder back to there, so that it goes on as if it had never ended. The caller
 * holds the run's lock.
 *
 * @param options.notice hears of damaged checkpoints, which are passed over
 * @returns null if the run was ended before its first checkpoint: it starts again, by its recipe
 * @throws {RunError} if no checkpoint is whole, or the run is past `steps` already
 */
export const findStand = async (
  run: string,
  { ema: rates, steps }: Pick<Recipe, "ema" | "steps">,
  { notice }: { notice: (message: string) => void },
): Promise<StoredState | null> => {
  const { stored, damage } = await readCheckpoint(run, { rates });
  const step = stored?.step ?? 0;
  if (steps < step) {
    throw new RunError(`Cannot resume ${run}: --steps must be ≥ ${step}, where it stands, received ${steps}`);
  }
  for (const { path, reason } of damage) notice(`Passed over ${path}: ${reason}`);
  if (damage.length > 0) notice(`Going on from ${run}/checkpoints/step-${step}`);
  await rewindRunFolder(run, step);
  return stored;
};
