import { join } from "@std/path";
import { type Pipeline, savePipeline } from "../../model/pipeline.ts";
import { encodeSafetensors } from "../../model/safetensors.ts";
import { writing } from "../disk_error.ts";
import { checkpointFolder, listSteps, partFiles, STATE_FILE } from "./checkpoint_files.ts";
import { writeSums } from "./digest.ts";
import { removeQuietly, renameDurably, replaceFile, syncFile, syncFolder, syncTree } from "./durable.ts";
import type { StoredState } from "./state.ts";

const writeFiles = async (
  folder: string,
  model: Omit<Pipeline, "folder" | "weights">,
  { step, tensors, numbers }: StoredState,
): Promise<void> => {
  await Deno.mkdir(join(folder, "training_state"), { recursive: true });
  const files = partFiles(tensors.keys());
  for (const { part, pipeline, file } of files) {
    const weights = tensors.get(part)!;
    if (pipeline === null) Deno.writeFileSync(join(folder, file), encodeSafetensors(weights));
    else await savePipeline({ ...model, folder: join(folder, pipeline), weights });
  }
  const state = {
    step,
    parts: Object.fromEntries(files.map(({ part, file }) => [part, file])),
    numbers: Object.fromEntries(
      Object.entries(numbers).map(([name, { buffer, byteOffset, byteLength }]) => [
        name,
        new Uint8Array(buffer, byteOffset, byteLength).toBase64(),
      ]),
    ),
  };
  await Deno.writeTextFile(join(folder, STATE_FILE), JSON.stringify(state, null, 2) + "\n");
};

/** What stands in the run's own files belongs to the checkpoint: it must not be lost where the checkpoint is kept. */
const syncRunFiles = (run: string): void => {
  for (const { name, isFile } of Deno.readDirSync(run)) {
    if (isFile && !name.startsWith(".")) syncFile(join(run, name));
  }
};

const prune = (checkpoints: string, { step, keep }: { step: number; keep: number }): void => {
  // Ones from after this step are no part of the run as it stands; they would push out the one just written.
  const old = listSteps(checkpoints).filter((other) => other <= step).slice(keep);
  const removed = old.map((other) => join(checkpoints, `.step-${other}.pruned`));
  // Renamed first, so that what is left of one that was half removed cannot be taken for a checkpoint.
  for (const [i, other] of old.entries()) Deno.renameSync(join(checkpoints, `step-${other}`), removed[i]);
  if (old.length > 0) syncFolder(checkpoints);
  for (const folder of removed) Deno.removeSync(folder, { recursive: true });
};

/**
 * Writes a checkpoint: a diffusers pipeline folder of the first average, one in `ema-RATE/` for each other, and in
 * `training_state/` what only training needs; digests of all that in `SHA256SUMS`. It is written under another name, put
 * on the device, and renamed, so that a torn one is never read; `latest` then names it.
 *
 * @param run the run's folder
 * @param model what the pipeline says apart from its weights
 * @param keep checkpoints to keep; older ones are removed once the new one is there for good
 * @returns the checkpoint's folder
 * @throws {DiskError} if the system refuses; the checkpoints that are there stay as they are
 */
export const writeCheckpoint = async (
  run: string,
  model: Omit<Pipeline, "folder" | "weights">,
  state: StoredState,
  { keep }: { keep: number },
): Promise<string> => {
  const { step } = state;
  const checkpoints = join(run, "checkpoints"), folder = join(run, checkpointFolder(step));
  const partial = join(checkpoints, `.step-${step}.partial`), replaced = join(checkpoints, `.step-${step}.replaced`);
  await writing(folder, async () => {
    try {
      removeQuietly(partial);
      await writeFiles(partial, model, state);
      writeSums(partial);
      syncTree(partial);
      syncRunFiles(run);
      if (listSteps(checkpoints).includes(step)) Deno.renameSync(folder, replaced);
      renameDurably(partial, folder);
      removeQuietly(replaced);
    } catch (error) {
      removeQuietly(partial);
      throw error;
    }
  });
  await replaceFile(join(run, "latest"), `${checkpointFolder(step)}\n`);
  await writing(checkpoints, () => prune(checkpoints, { step, keep }));
  return folder;
};
