import { WEIGHT_NAMES } from "../model/model_files.ts";
import type { StoredTensor } from "../model/safetensors.ts";
import type { DataFacts } from "./data_facts.ts";

/** The parts of every state: the weights, and Adam's first and second moments. */
export const BASE_PARTS = ["weights", "firstMoments", "secondMoments"] as const;

/** The name of the part that holds the weights' moving average of this decay, as `average-0.9999`. */
export const averagePart = (rate: number): string => `average-${rate}`;

/** The names of a state's parts, averages of these decays behind the rest. */
export const statePartsOf = (rates: readonly number[]): string[] => [...BASE_PARTS, ...rates.map(averagePart)];

/** A state as it is written down: its tensors in diffusers' layout. */
export interface StoredState {
  readonly step: number;
  readonly tensors: ReadonlyMap<string, ReadonlyMap<string, StoredTensor>>;
  readonly numbers: Readonly<Record<string, Float64Array>>;
  /** What it was trained on; absent in checkpoints from before that was kept. */
  readonly data?: DataFacts;
}

/** A checkpoint's folder, below a run's: `checkpoints/step-120`. */
export const checkpointFolder = (step: number): string => `checkpoints/step-${step}`;

const FOLDER = /^step-(0|[1-9]\d*)$/;

/** The step of a checkpoint by its folder's name; null if it is none. */
export const stepOf = (name: string): number | null => {
  const step = Number(FOLDER.exec(name)?.[1] ?? NaN);
  return Number.isSafeInteger(step) ? step : null;
};

/** The steps of the checkpoints in a folder, the newest first. */
export const listSteps = (checkpoints: string): number[] => {
  try {
    return [...Deno.readDirSync(checkpoints)].map(({ name }) => stepOf(name)).filter((step) => step !== null)
      .sort((a, b) => b - a);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
};

/** What of a checkpoint is neither tensors nor model. */
export const STATE_FILE = "training_state/state.json";

const BASE_FILES: Readonly<Record<string, string>> = {
  weights: "training_state/weights.safetensors",
  firstMoments: "training_state/first_moments.safetensors",
  secondMoments: "training_state/second_moments.safetensors",
};

const AVERAGE = averagePart(NaN).replace("NaN", "");

/**
 * Where a checkpoint keeps each part: each average in a pipeline folder that diffusers opens, the first in the
 * checkpoint's own, the others in `ema-RATE/`.
 *
 * @param parts names of a state's parts
 */
export const partFiles = (parts: Iterable<string>): { part: string; pipeline: string | null; file: string }[] => {
  let isFirst = true;
  return Array.from(parts, (part) => {
    if (Object.hasOwn(BASE_FILES, part)) return { part, pipeline: null, file: BASE_FILES[part] };
    const pipeline = isFirst ? "" : `ema-${part.slice(AVERAGE.length)}/`;
    isFirst = false;
    return { part, pipeline, file: `${pipeline}unet/${WEIGHT_NAMES[0]}` };
  });
};
