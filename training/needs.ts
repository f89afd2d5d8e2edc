import { type DatasetExtent, datasetExtent } from "../datasets/extent.ts";
import { findDataset } from "../datasets/open.ts";
import type { EngineName } from "../engine/engine.ts";
import { findLibrary } from "../engine/tensorflow/find_library.ts";
import { amount } from "../files/amount.ts";
import { freeDisk, machineMemory } from "../files/machine.ts";
import { ModelError } from "../model/error.ts";
import { loadConfigs } from "../model/pipeline.ts";
import type { UNetConfig } from "../model/unet_config.ts";
import { ParameterError, type ParameterIssue } from "../sampling/errors.ts";
import { RunError } from "./errors.ts";
import { estimateRun, type RunEstimate, type Share, totalBytes } from "./estimate.ts";
import type { Recipe } from "./recipe.ts";
import { resolveModel } from "./run_model.ts";

/** What a run may take. */
export interface NeedLimits {
  /** Bytes of memory. */
  readonly memory: number;
  /** Bytes of disk. */
  readonly disk: number;
}

const GIGABYTE = 1e9;

/** Limits that are given in gigabytes; absent where none are. */
export const needLimits = ({ memory, disk }: { memory?: number; disk?: number }): Partial<NeedLimits> => ({
  ...(memory === undefined ? {} : { memory: memory * GIGABYTE }),
  ...(disk === undefined ? {} : { disk: disk * GIGABYTE }),
});

/**
 * What this machine lets a run take: its memory, and what is free where the folder of the run is. Either may be given
 * instead.
 */
export const machineLimits = async (
  folder: string,
  { memory, disk }: Partial<NeedLimits> = {},
): Promise<NeedLimits> => ({
  memory: memory ?? machineMemory(),
  disk: disk ?? await freeDisk(folder),
});

/** What is in the way where shares are more than a limit, each by a field that was given, or that decides most. */
const beyond = (
  kind: keyof NeedLimits,
  shares: readonly Share[],
  limit: number,
  { recipe, given }: { recipe: Recipe; given: readonly string[] },
): ParameterIssue[] => {
  const needed = totalBytes(shares);
  if (needed <= limit) return [];
  const largest = shares.reduce((most, share) => share.bytes > most.bytes ? share : most);
  const named = largest.fields.filter((field) => given.includes(field));
  const fields = named.length > 0 ? named : largest.fields.slice(0, 1);
  const { images = 1 } = largest;
  const fitting = Math.floor((limit - (needed - largest.bytes)) / (largest.bytes / images));
  const hint = images > 1 && fitting >= 1 ? `; ${fitting} images a network call (microBatch) would do` : "";
  const message = `chosen so that training takes at most ${amount(limit)} of ${kind}, not about ${amount(needed)} ` +
    `(${amount(largest.bytes)} of it for ${largest.what})${hint}`;
  return fields.map((field) => ({ field, received: recipe[field] ?? null, allowed: message }));
};

/** The engine that will be taken, as far as can be told without opening any. */
const likelyEngine = (engine: EngineName | "auto", tensorflow: string | undefined): EngineName => {
  if (engine !== "auto") return engine;
  return tensorflow !== undefined || findLibrary() !== null ? "tensorflow" : "wasm";
};

/**
 * The network that a run trains; `null` where that cannot be told, as where the model that it starts from is not here.
 *
 * @throws {ParameterError} if there is none of that size
 */
const networkOf = async (recipe: Recipe, data: DatasetExtent): Promise<UNetConfig | null> => {
  const isOpen = recipe.init === null && [recipe.preset, recipe.schedule, recipe.prediction].includes(null);
  if (isOpen) return null;
  try {
    const init = recipe.init === null ? null : { ...await loadConfigs(recipe.init), weights: new Map() };
    const classNames = recipe.classes ?? data.classNames;
    return resolveModel(recipe, { ...data, classNames }, init).unet;
  } catch (error) {
    if (error instanceof RunError || (error instanceof ModelError && recipe.init !== null)) return null;
    if (!(error instanceof ModelError)) throw error;
    const field = recipe.size === null ? "data" : "size";
    throw new ParameterError([{ field, received: recipe[field], allowed: `what fits the network: ${error.message}` }]);
  }
};

const refuseUnknownClasses = ({ data, classes }: Recipe, { classNames }: DatasetExtent): void => {
  if (classes === null || classNames === null || classes.every((name) => classNames.includes(name))) return;
  const known = classNames.map((name) => JSON.stringify(name)).join(", ");
  throw new ParameterError([{ field: "classes", received: classes, allowed: `of ${data}'s ${known}` }]);
};

/** What a run is, beyond its recipe. */
export interface NeedOptions {
  /** TensorFlow's library, or a folder that holds it. */
  readonly tensorflow?: string;
  readonly signal?: AbortSignal;
}

/**
 * Estimates what a run takes before anything is prepared or opened.
 *
 * @param recipe its data and the model that it starts from are paths or built-in names
 * @returns `null` where its data are not here, or say nothing, which whoever opens them tells
 * @throws {ParameterError} if the network does not fit its images, or they have no such classes
 */
export const estimateNeeds = async (
  recipe: Recipe,
  { tensorflow, signal }: NeedOptions = {},
): Promise<RunEstimate | null> => {
  const size = recipe.size ?? undefined;
  const data = recipe.data === null ? null : await datasetExtent(recipe.data, { size, signal });
  if (data === null) return null;
  refuseUnknownClasses(recipe, data);
  return estimateRun(recipe, await networkOf(recipe, data), data, likelyEngine(recipe.engine, tensorflow));
};

/**
 * Refuses a run that would take more than it may, before anything of it is done.
 *
 * @param given fields of the recipe that somebody chose, which are named first
 * @returns the estimate; `null` where there is none
 * @throws {ParameterError} that says how much it would take, how much it may, and by which fields
 */
export const checkNeeds = async (
  recipe: Recipe,
  limits: NeedLimits,
  { given, ...options }: NeedOptions & { given: readonly string[] },
): Promise<RunEstimate | null> => {
  const estimate = await estimateNeeds(recipe, options);
  if (estimate === null) return null;
  const isTooMuch = totalBytes(estimate.disk) > limits.disk;
  // Whether it is prepared may take to read it whole, and matters to none that has room.
  const isPrepared = isTooMuch && await isReady(recipe, options.signal);
  const disk = isPrepared ? estimate.disk.filter(({ isPreparation }) => !isPreparation) : estimate.disk;
  const named = { recipe, given };
  const issues = [
    ...beyond("memory", estimate.memory, limits.memory, named),
    ...beyond("disk", disk, limits.disk, named),
  ];
  if (issues.length > 0) throw new ParameterError(issues);
  return { ...estimate, disk };
};

const isReady = async ({ data, size }: Recipe, signal?: AbortSignal): Promise<boolean> =>
  (await findDataset(data!, { size: size ?? undefined, signal })).isPrepared;
