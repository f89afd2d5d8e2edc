import type { Engine } from "../engine/mod.ts";
import type { Denoiser } from "../model/denoiser.ts";
import type { Pipeline } from "../model/pipeline.ts";
import type { ModelLimits } from "./resolve.ts";

/** What is loaded: said once by the worker when it is warm. */
export interface ModelInfo extends ModelLimits {
  /** The pipeline's folder, as it was given. */
  readonly folder: string;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly engine: { readonly name: string; readonly version: string; readonly device: string };
}

/** Describes a model on its engine. */
export const describeModel = (
  { folder, scheduler, labels, nullLabel }: Pipeline,
  { name, version, device }: Engine,
  { height, width, channels }: Denoiser,
): ModelInfo => ({
  folder,
  timesteps: scheduler.trained_betas?.length ?? scheduler.num_train_timesteps,
  labels,
  nullLabel,
  height,
  width,
  channels,
  engine: { name, version, device },
});
