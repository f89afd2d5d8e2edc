import { isLearned, lossWeights } from "../core/mod.ts";
import type { DatasetParts } from "../datasets/dataset.ts";
import { unetParameters } from "../model/architecture.ts";
import { type ModelCard, NO_CARD } from "../model/card.ts";
import { initializeUNet } from "../model/initialize.ts";
import type { Pipeline } from "../model/pipeline.ts";
import type { StoredTensor } from "../model/safetensors.ts";
import {
  diffusionOf,
  parseSchedulerConfig,
  type SchedulerConfig,
  schedulerConfigOf,
} from "../model/scheduler_config.ts";
import { parseUNetConfig, type UNetConfig } from "../model/unet_config.ts";
import { TRAINED_VARIANCES, type TrainedVariance } from "./choices.ts";
import { RunError } from "./errors.ts";
import type { Objective } from "./loss.ts";
import { PRESETS } from "./presets.ts";
import { lossFor, type Recipe } from "./recipe.ts";

const isAlike = (a: readonly unknown[], b: readonly unknown[]): boolean =>
  a.length === b.length && a.every((value, i) => value === b[i]);

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

/** A model is sampled as the one that it goes on from; what else that one's card says, as its licence, is its own. */
const cardOf = (init: Pipeline | null): ModelCard | undefined => {
  const { metadata: { inference }, ...card } = init?.card ?? NO_CARD;
  return inference === undefined ? undefined : { ...card, metadata: { inference } };
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
export const resolveModel = (
  recipe: Recipe,
  { height, width, channels, classNames }: Pick<DatasetParts, "height" | "width" | "channels" | "classNames">,
  init: Pipeline | null,
): RunModel => {
  const labels = recipe.conditional ? classNames : null;
  const scheduler = schedulerOf(recipe, init);
  const base = recipe.preset === null ? init!.unet : PRESETS[recipe.preset].unet;
  const unet: UNetConfig = parseUNetConfig({
    ...base,
    dropout: recipe.dropout ?? init!.unet.dropout,
    sample_size: height === width ? height : [height, width],
    in_channels: channels,
    out_channels: isLearned(scheduler.variance_type) ? 2 * channels : channels,
    num_class_embeds: labels ? labels.length + 1 : null,
  });
  const { alphasCumprod, timesteps } = diffusionOf(scheduler);
  if (alphasCumprod[timesteps - 1] === 0 && scheduler.prediction_type === "epsilon") {
    throw new RunError(
      "prediction must be sample or v_prediction for a process whose x_T holds no signal, received epsilon",
    );
  }
  return { unet, scheduler, labels, nullLabel: labels && labels.length, card: cardOf(init) };
};

/**
 * Checks that stored weights are those of the model: where the data of a run are others, a layer's shape may be.
 *
 * @throws {RunError} that names the tensor that does not fit
 */
export const checkWeights = (run: string, { unet }: RunModel, weights: ReadonlyMap<string, StoredTensor>): void => {
  for (const { name, shape } of unetParameters(unet)) {
    const found = weights.get(name)?.shape;
    if (found && isAlike(found, shape)) continue;
    const received = found ? `[${found}]` : "none";
    throw new RunError(
      `Cannot resume ${run}: its data have changed: tensor ${name} must have shape [${shape}] for them, received ${received}`,
    );
  }
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

const CLASS_EMBEDDING = "class_embedding.weight";

/** Takes over the first rows of an output layer; the others are zero: a variance in the middle of its range. */
const fitRows = ({ data }: StoredTensor, { shape }: StoredTensor): StoredTensor => {
  const fitted = new Float32Array(shape.reduce((product, n) => product * n, 1));
  fitted.set(data.subarray(0, fitted.length));
  return { shape, data: fitted };
};

/**
 * The weights that a run starts from: random ones, or those of the model that its `init` names. Of these the class
 * embedding is new where the classes are others, and the output layer grows or shrinks where the variance is learned in
 * one of the two alone.
 *
 * @param options.notice receives what is new
 * @throws {RunError} that names a tensor that does not fit
 */
export const initialWeights = (
  { unet, labels }: RunModel,
  init: Pipeline | null,
  { seed, notice }: { seed: number; notice: (message: string) => void },
): Map<string, StoredTensor> => {
  const fresh = initializeUNet(unet, seed);
  if (init === null) return fresh;
  const refuse = (reason: string): never => {
    throw new RunError(`Cannot start from ${init.folder}: ${reason}`);
  };
  const hasSameClasses = isAlike(labels ?? [], init.labels ?? []);
  const fit = (name: string, own: StoredTensor): StoredTensor => {
    const found = init.weights.get(name);
    if (name === CLASS_EMBEDDING && !(found && hasSameClasses && isAlike(found.shape, own.shape))) {
      notice(`The class embedding is new: ${init.folder} ${found ? "knows other classes" : "knows no classes"}`);
      return own;
    }
    if (!found) return refuse(`it has no tensor ${name}`);
    if (isAlike(found.shape, own.shape)) return found;
    if (name.startsWith("conv_out.") && init.unet.out_channels !== unet.out_channels) {
      if (init.unet.in_channels === unet.in_channels) return fitRows(found, own);
    }
    return refuse(`tensor ${name} must have shape [${own.shape}], received [${found.shape}]`);
  };
  const fitted = new Map(Array.from(fresh, ([name, own]) => [name, fit(name, own)]));
  for (const name of init.weights.keys()) {
    if (name === CLASS_EMBEDDING && !fitted.has(name)) {
      notice(`The class embedding is left out: the network is told no classes`);
    } else if (!fitted.has(name)) refuse(`its tensor ${name} is none of this network's`);
  }
  if (init.unet.out_channels !== unet.out_channels) {
    notice(`The output layer ${init.unet.out_channels < unet.out_channels ? "learns" : "gives up"} the variance`);
  }
  return fitted;
};
