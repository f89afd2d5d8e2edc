import { basename } from "@std/path";
import type { Engine } from "../engine/mod.ts";
import { NO_CARD } from "../model/card.ts";
import { createDenoiser, type Denoiser } from "../model/denoiser.ts";
import type { Pipeline } from "../model/pipeline.ts";
import { diffusionOf, type SchedulerConfig } from "../model/scheduler_config.ts";
import type { Target } from "./compile.ts";
import type { ModelLimits } from "./parameters.ts";

/** What is loaded: said once by the worker when it is warm. */
export interface ModelInfo extends ModelLimits {
  /** What a request calls it: the folder's base name, numbered where another model has it already. */
  readonly name: string;
  /** The pipeline's folder, as it was given. */
  readonly folder: string;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  /** Number of weights. */
  readonly parameters: number;
  /** Its diffusion process; `diffusionOf` makes the tables of it. */
  readonly scheduler: SchedulerConfig;
  /** What its scheduler's file or its card asks for and is not done, each with what is done instead. */
  readonly unheeded: readonly string[];
  readonly engine: { readonly name: string; readonly version: string; readonly device: string };
}

/** Describes a model on its engine. */
export const modelInfoOf = (
  { folder, scheduler, unheeded = [], card = NO_CARD, labels, nullLabel, weights }: Pipeline,
  engine: Engine,
  { height, width, channels }: Denoiser,
  name: string = basename(folder),
): ModelInfo => ({
  name,
  folder,
  timesteps: scheduler.trained_betas?.length ?? scheduler.num_train_timesteps,
  labels,
  nullLabel,
  height,
  width,
  channels,
  parameters: weights.values().reduce((sum, { data }) => sum + data.length, 0),
  scheduler,
  unheeded: [...unheeded, ...card.unheeded],
  recommended: card.recommended,
  engine: { name: engine.name, version: engine.version, device: engine.device },
});

/** A model on its engine, and what requests are compiled for. */
export interface LoadedModel {
  readonly info: ModelInfo;
  readonly network: Denoiser;
  readonly target: Target;
  /** Asks the network for `rows` rows of nothing. */
  warm(rows: number): void;
}

/** What requests to a model are compiled for. */
export const targetOf = (
  { scheduler }: Pipeline,
  { height, width, channels, numClasses }: Pick<Denoiser, "height" | "width" | "channels" | "numClasses">,
): Target => {
  const diffusion = diffusionOf(scheduler);
  return { height, width, channels, numClasses, timesteps: diffusion.timesteps, scheduler, diffusion };
};

/**
 * Puts a model on its engine and asks it once, for a row: what the engine compiles is compiled.
 *
 * @param options.bucket pads every call to so many rows
 */
export const loadModel = (
  name: string,
  pipeline: Pipeline,
  engine: Engine,
  { bucket }: { bucket?: number },
): LoadedModel => {
  const network = createDenoiser(engine, pipeline, { bucket });
  const info = modelInfoOf(pipeline, engine, network, name);
  const { height, width, channels, numClasses } = network;

  const warm = (rows: number) => {
    const nothing = new Float32Array(rows * height * width * channels);
    network.evaluate(nothing, new Int32Array(rows), numClasses === null ? null : new Int32Array(rows));
  };
  try {
    warm(1);
    return { info, network, target: targetOf(pipeline, network), warm };
  } catch (error) {
    network.dispose();
    throw error;
  }
};
