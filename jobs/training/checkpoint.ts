import { basename, join } from "@std/path";
import { loadPipeline, ModelError, type Pipeline, savePipeline } from "../../model/pipeline.ts";
import { encodeSafetensors, parseSafetensors } from "../../model/safetensors.ts";
import { RunError } from "../run_error.ts";
import { averagePart, type StoredState } from "./state.ts";

const STATE_FILES = { weights: "weights", firstMoments: "first_moments", secondMoments: "second_moments" } as const;
const STEP_FOLDER = /^step-(\d+)$/;

const stateFile = (folder: string, name: string) => join(folder, "training_state", `${name}.safetensors`);

/**
 * Writes a checkpoint: a diffusers pipeline folder of the averaged weights, and beside it, in `training_state/`, what
 * only training needs. It is written under another name and renamed, so that a torn one is never read; `latest` then
 * names it.
 *
 * @param run the run's folder
 * @param model what the pipeline says apart from its weights
 * @param keep checkpoints to keep; older ones are removed
 * @returns the checkpoint's folder
 */
export const writeCheckpoint = async (
  run: string,
  model: Omit<Pipeline, "folder" | "weights">,
  { step, tensors }: StoredState,
  { keep, ema }: { keep: number; ema: number },
): Promise<string> => {
  const folder = join(run, "checkpoints", `step-${step}`);
  const partial = join(run, "checkpoints", `.step-${step}.partial`);
  await Deno.remove(partial, { recursive: true }).catch(() => {});
  await savePipeline({ ...model, folder: partial, weights: tensors.get(averagePart(ema))! });
  await Deno.mkdir(join(partial, "training_state"));
  for (const [part, name] of Object.entries(STATE_FILES)) {
    await Deno.writeFile(stateFile(partial, name), encodeSafetensors(tensors.get(part)!));
  }
  await Deno.writeTextFile(join(partial, "training_state", "state.json"), JSON.stringify({ step }) + "\n");
  await Deno.remove(folder, { recursive: true }).catch(() => {});
  await Deno.rename(partial, folder);

  const latest = join(run, "latest");
  await Deno.writeTextFile(`${latest}.partial`, `checkpoints/step-${step}\n`);
  await Deno.rename(`${latest}.partial`, latest);
  await prune(join(run, "checkpoints"), keep);
  return folder;
};

const prune = async (checkpoints: string, keep: number): Promise<void> => {
  const steps = [];
  for await (const { name } of Deno.readDir(checkpoints)) {
    const match = STEP_FOLDER.exec(name);
    if (match) steps.push(Number(match[1]));
  }
  const old = steps.sort((a, b) => b - a).slice(keep);
  for (const step of old) await Deno.remove(join(checkpoints, `step-${step}`), { recursive: true });
};

/**
 * Reads the checkpoint that a run's `latest` names.
 *
 * @throws {RunError} if there is none
 * @throws {ModelError} if it is damaged
 */
export const readLatestCheckpoint = async (run: string, { ema }: { ema: number }): Promise<StoredState> => {
  const latest = (await Deno.readTextFile(join(run, "latest")).catch((cause) => {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
    throw new RunError(`Cannot resume ${run}: it has no checkpoint yet`, { cause });
  })).trim();
  const step = Number(STEP_FOLDER.exec(basename(latest))?.[1] ?? NaN);
  if (!Number.isSafeInteger(step)) {
    throw new RunError(`Cannot resume ${run}: latest must name checkpoints/step-N, received ${JSON.stringify(latest)}`);
  }
  const folder = join(run, "checkpoints", `step-${step}`);
  const { weights: average } = await loadPipeline(folder);
  const read = async (name: string) => {
    const path = stateFile(folder, name);
    try {
      return parseSafetensors(await Deno.readFile(path));
    } catch (cause) {
      if (!(cause instanceof ModelError || cause instanceof Deno.errors.NotFound)) throw cause;
      throw new RunError(`Cannot resume ${run}: ${path}: ${cause.message}`, { cause });
    }
  };
  const [weights, firstMoments, secondMoments] = await Promise.all(Object.values(STATE_FILES).map(read));
  const tensors = new Map([
    ["weights", weights],
    ["firstMoments", firstMoments],
    ["secondMoments", secondMoments],
    [averagePart(ema), average],
  ]);
  return { step, tensors, numbers: {} };
};
