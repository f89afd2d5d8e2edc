import type { Engine } from "../engine/mod.ts";
import { createDenoiser, type Denoiser } from "../model/denoiser.ts";
import { diffusionOf, type Pipeline } from "../model/pipeline.ts";
import type { Target } from "./compile.ts";
import { describeModel, type ModelInfo } from "./model_info.ts";

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
  const info = describeModel(pipeline, engine, network, name);
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
