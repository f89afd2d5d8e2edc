import { basename, join } from "@std/path";
import { loadPipeline, ModelError } from "../../model/pipeline.ts";
import { parseSafetensors, type StoredTensor } from "../../model/safetensors.ts";
import { RunError } from "../run_error.ts";
import { checkpointFolder, listSteps, partFiles, STATE_FILE, stepOf } from "./checkpoint_files.ts";
import { DigestError, readChecked, readSums, SUMS } from "./digest.ts";
import { averagePart, BASE_PARTS, statePartsOf, type StoredState } from "./state.ts";

/** Something of a run that is not as it was written. */
export interface Damage {
  readonly path: string;
  readonly reason: string;
}

const parseState = (bytes: Uint8Array) =>
  JSON.parse(new TextDecoder().decode(bytes)) as {
    step: number;
    parts: Record<string, string>;
    numbers: Record<string, string>;
  };

const readSealed = async (folder: string, sums: ReadonlyMap<string, string>): Promise<StoredState> => {
  const { step, parts, numbers } = parseState(await readChecked(folder, STATE_FILE, sums));
  const tensors = new Map<string, ReadonlyMap<string, StoredTensor>>();
  for (const [part, file] of Object.entries(parts)) {
    tensors.set(part, parseSafetensors(await readChecked(folder, file, sums)));
  }
  const read = new Set([STATE_FILE, ...Object.values(parts)]);
  for (const path of sums.keys()) if (!read.has(path)) await readChecked(folder, path, sums);
  const decode = (text: string) => {
    const { buffer, length } = Uint8Array.fromBase64(text);
    return new Float64Array(buffer, 0, length / Float64Array.BYTES_PER_ELEMENT);
  };
  return {
    step,
    tensors,
    numbers: Object.fromEntries(Object.entries(numbers).map(([name, text]) => [name, decode(text)])),
  };
};

/** Reads a checkpoint of before there were digests, which had one average. */
const readUnsealed = async (folder: string, step: number, rate: number): Promise<StoredState> => {
  const state = await Deno.readFile(join(folder, STATE_FILE));
  if (parseState(state).parts !== undefined) throw new DigestError(`${SUMS}: there is no such file`);
  const { weights: average } = await loadPipeline(folder);
  const base = partFiles(BASE_PARTS).map(async ({ part, file }) =>
    [part, parseSafetensors(await Deno.readFile(join(folder, file)))] as const
  );
  return { step, tensors: new Map([...await Promise.all(base), [averagePart(rate), average]]), numbers: {} };
};

const readFolder = async (folder: string, step: number, rates: readonly number[]): Promise<StoredState> => {
  const sums = readSums(folder);
  const stored = sums ? await readSealed(folder, sums) : await readUnsealed(folder, step, rates[0]);
  const parts = [...stored.tensors.keys()].join(", "), expected = statePartsOf(rates).join(", ");
  if (stored.step !== step) throw new DigestError(`${STATE_FILE}: step must be ${step}, received ${stored.step}`);
  if (parts !== expected) throw new DigestError(`${STATE_FILE}: its parts must be ${expected}, received ${parts}`);
  return stored;
};

const isDamage = (error: unknown): error is Error =>
  error instanceof DigestError || error instanceof ModelError || error instanceof SyntaxError ||
  error instanceof Deno.errors.NotFound || (error as { code?: string }).code === "EIO";

/** The step that `latest` names; null if there is no such file. */
const readLatest = (run: string, damage: Damage[]): number | null => {
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
 * Reads the state that a run stands at: from the checkpoint that `latest` names, or if that is damaged, from the newest
 * one that is not. Every file's digest is checked.
 *
 * @param rates decays of the averages that the run's recipe asks for
 * @returns `stored`: null if no checkpoint was written yet; `damage`: what was passed over
 * @throws {RunError} if there are checkpoints, and all are damaged
 */
export const readCheckpoint = async (
  run: string,
  { rates }: { rates: readonly number[] },
): Promise<{ stored: StoredState | null; damage: Damage[] }> => {
  const damage: Damage[] = [];
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
