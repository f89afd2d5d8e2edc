import { lossWeights } from "../../core/mod.ts";
import { diffusionOf, type Pipeline } from "../../model/pipeline.ts";
import { parseSchedulerConfig, type SchedulerConfig, schedulerConfigOf } from "../../model/scheduler_config.ts";
import { parseUNetConfig, type UNetConfig } from "../../model/unet_config.ts";
import { TRAINED_VARIANCES, type TrainedVariance } from "../choices.ts";
import type { DatasetParts } from "../data/images.ts";
import { PRESETS } from "../presets.ts";
import { lossFor, type Recipe } from "../recipe.ts";
import { RunError } from "../run_error.ts";
import type { Objective } from "./loss.ts";

/** A model without its weights, as a run trains it. */
export type RunModel = Omit<Pipeline, "folder" | "weights">;

const trainedVariance = (name: string, folder: string | undefined): TrainedVariance => {
  // diffusers' fixed_small_log is the same variance by another formula.
  const known = TRAINED_VARIANCES.find((variance) => variance === name.replace(/_log$/, ""));
  if (known) return known;
  throw new RunError(
    `Cannot start from ${folder}: its variance, ${name}, is not trained here; --variance picks another`,
  );
};

/** The process: the recipe's, and what that leaves open from the model it starts from. */
const schedulerOf = (recipe: Recipe, init: Pipeline | null): SchedulerConfig => {
  const { schedule, timesteps } = recipe;
  const prediction = recipe.prediction ?? init!.scheduler.prediction_type;
  const variance = recipe.variance ?? trainedVariance(init!.scheduler.variance_type, init?.folder);
  const process = schedule !== null
    ? schedulerConfigOf({ schedule, timesteps: timesteps ?? init!.scheduler.num_train_timesteps, prediction })
    : timesteps !== null
    ? parseSchedulerConfig({ ...init!.scheduler, num_train_timesteps: timesteps })
    : init!.scheduler;
  return { ...process, prediction_type: prediction, variance_type: variance };
};

/**
 * The model that a run trains: the preset's U-Net, or that of the model it starts from, fitted to the data; the schedule;
 * the classes, with one more that stands for none, which guidance needs.
 *
 * @param init the model that the recipe's `init` names
 * @throws {ModelError} if the U-Net does not fit the images
 * @throws {RunError} if what it starts from cannot be trained here
 */
export const describeModel = (
  recipe: Recipe,
  { height, width, channels, classNames }: Pick<DatasetParts, "height" | "width" | "channels" | "classNames">,
  init: Pipeline | null,
): RunModel => {
  const labels = recipe.conditional ? classNames : null;
  const scheduler = schedulerOf(recipe, init);
  const isLearned = scheduler.variance_type === "learned_range";
  const base = recipe.preset === null ? init!.unet : PRESETS[recipe.preset].unet;
  const unet: UNetConfig = parseUNetConfig({
    ...base,
    dropout: recipe.dropout ?? init!.unet.dropout,
    sample_size: height === width ? height : [height, width],
    in_channels: channels,
    out_channels: isLearned ? 2 * channels : channels,
    num_class_embeds: labels ? labels.length + 1 : null,
  });
  const { alphasCumprod, timesteps } = diffusionOf(scheduler);
  if (alphasCumprod[timesteps - 1] === 0 && scheduler.prediction_type === "epsilon") {
    throw new RunError(
      "prediction must be sample or v_prediction for a process whose x_T holds no signal, received epsilon",
    );
  }
  return { unet, scheduler, labels, nullLabel: labels && labels.length };
};

/** What a run minimizes. */
export const objectiveOf = ({ lossWeighting, minSnrGamma, loss }: Recipe, { scheduler }: RunModel): Objective => {
  const diffusion = diffusionOf(scheduler), prediction = scheduler.prediction_type;
  const variance = scheduler.variance_type as TrainedVariance;
  return {
    diffusion,
    prediction,
    variance,
    loss: loss ?? lossFor(variance),
    lossWeights: lossWeights(diffusion, lossWeighting, {
      prediction,
      gamma: minSnrGamma,
      variance: variance === "fixed_large" ? variance : "fixed_small",
    }),
  };
};
