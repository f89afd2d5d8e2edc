import { basename } from "@std/path";
import type { Engine } from "../engine/mod.ts";
import type { Denoiser } from "../model/denoiser.ts";
import type { Pipeline } from "../model/pipeline.ts";
import type { SchedulerConfig } from "../model/scheduler_config.ts";
import type { ModelLimits } from "./resolve.ts";

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
  readonly engine: { readonly name: string; readonly version: string; readonly device: string };
}

/** Describes a model on its engine. */
export const describeModel = (
  { folder, scheduler, labels, nullLabel, weights }: Pipeline,
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
  engine: { name: engine.name, version: engine.version, device: engine.device },
});
