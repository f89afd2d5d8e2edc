import { basename, join } from "@std/path";
import {
  removeQuietly,
  renameDurably,
  replaceFile,
  syncFile,
  syncFolder,
  syncTree,
  writing,
} from "../files/durable.ts";
import { ModelError } from "../model/error.ts";
import { loadPipeline, type Pipeline, savePipeline } from "../model/pipeline.ts";
import { encodeSafetensors, parseWeights, type StoredTensor } from "../model/safetensors.ts";
import {
  averagePart,
  BASE_PARTS,
  checkpointFolder,
  listSteps,
  partFiles,
  STATE_FILE,
  statePartsOf,
  stepOf,
  type StoredState,
} from "./checkpoint_files.ts";
import type { DataFacts } from "./data_facts.ts";
import { DigestError, readDigests, readVerified, SUMS_FILE, writeDigests } from "./digest.ts";
import { RunError } from "./errors.ts";

const writeFiles = async (
  folder: string,
  model: Omit<Pipeline, "folder" | "weights">,
  { step, tensors, numbers, data }: StoredState,
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
    data,
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
      writeDigests(partial);
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

/** Something of a run that is not as it was written. */
export interface DamagedFile {
  readonly path: string;
  readonly reason: string;
}

const parseState = (bytes: Uint8Array) =>
  JSON.parse(new TextDecoder().decode(bytes)) as {
    step: number;
    parts: Record<string, string>;
    numbers: Record<string, string>;
    data?: DataFacts;
  };

const readWithDigests = async (folder: string, sums: ReadonlyMap<string, string>): Promise<StoredState> => {
  const { step, parts, numbers, data } = parseState(await readVerified(folder, STATE_FILE, sums));
  const tensors = new Map<string, ReadonlyMap<string, StoredTensor>>();
  for (const [part, file] of Object.entries(parts)) {
    tensors.set(part, parseWeights(await readVerified(folder, file, sums)));
  }
  const read = new Set([STATE_FILE, ...Object.values(parts)]);
  for (const path of sums.keys()) if (!read.has(path)) await readVerified(folder, path, sums);
  const decode = (text: string) => {
    const { buffer, length } = Uint8Array.fromBase64(text);
    return new Float64Array(buffer, 0, length / Float64Array.BYTES_PER_ELEMENT);
  };
  return {
    step,
    tensors,
    numbers: Object.fromEntries(Object.entries(numbers).map(([name, text]) => [name, decode(text)])),
    ...data && { data },
  };
};

/** Reads a checkpoint of before there were digests, which had one average. */
const readWithoutDigests = async (folder: string, step: number, rate: number): Promise<StoredState> => {
  const state = await Deno.readFile(join(folder, STATE_FILE));
  if (parseState(state).parts !== undefined) throw new DigestError(`${SUMS_FILE}: there is no such file`);
  const { weights: average } = await loadPipeline(folder);
  const base = partFiles(BASE_PARTS).map(async ({ part, file }) =>
    [part, parseWeights(await Deno.readFile(join(folder, file)))] as const
  );
  return { step, tensors: new Map([...await Promise.all(base), [averagePart(rate), average]]), numbers: {} };
};

const readFolder = async (folder: string, step: number, rates: readonly number[]): Promise<StoredState> => {
  const sums = readDigests(folder);
  const stored = sums ? await readWithDigests(folder, sums) : await readWithoutDigests(folder, step, rates[0]);
  const parts = [...stored.tensors.keys()].join(", "), expected = statePartsOf(rates).join(", ");
  if (stored.step !== step) throw new DigestError(`${STATE_FILE}: step must be ${step}, received ${stored.step}`);
  if (parts !== expected) throw new DigestError(`${STATE_FILE}: its parts must be ${expected}, received ${parts}`);
  return stored;
};

const isDamage = (error: unknown): error is Error =>
  error instanceof DigestError || error instanceof ModelError || error instanceof SyntaxError ||
  error instanceof Deno.errors.NotFound || (error as { code?: string }).code === "EIO";

/** The step that `latest` names; null if there is no such file. */
const readLatest = (run: string, damage: DamagedFile[]): number | null => {
  const path = join(run, "latest");
  try {
    const text = Deno.readTextFileSync(path).trim();
    const step = stepOf(basename(text));
    if (step !== null && text === checkpointFolder(step)) return step;
    damage.push({ path, reason: `it must name checkpoints/step-N, received ${JSON.stringify(text)}` });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return null;
};

/**
 * Reads the state that a run has reached: from the checkpoint that `latest` names, or if that is damaged, from the
 * newest one that is not. Every file's digest is checked.
 *
 * @param rates decays of the averages that the run's recipe asks for
 * @returns `stored`: null if no checkpoint was written yet; `damage`: what was passed over
 * @throws {RunError} if there are checkpoints, and all are damaged
 */
export const readCheckpoint = async (
  run: string,
  { rates }: { rates: readonly number[] },
): Promise<{ stored: StoredState | null; damage: DamagedFile[] }> => {
  const damage: DamagedFile[] = [];
  const latest = readLatest(run, damage);
  const others = listSteps(join(run, "checkpoints")).filter((step) => step !== latest);
  for (const step of latest === null ? others : [latest, ...others]) {
    const path = join(run, checkpointFolder(step));
    try {
      return { stored: await readFolder(path, step, rates), damage };
    } catch (error) {
      if (!isDamage(error)) throw error;
      damage.push({ path, reason: error.message });
    }
  }
  if (damage.length === 0) return { stored: null, damage };
  const found = damage.map(({ path, reason }) => `${path}: ${reason}`).join("; ");
  throw new RunError(`Cannot resume ${run}: no checkpoint of it is whole: ${found}`);
};
