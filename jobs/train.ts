import { lossWeights } from "../core/mod.ts";
import { openEngine } from "../engine/mod.ts";
import { parseUNetConfig } from "../model/config.ts";
import { initializeUNet } from "../model/initialize.ts";
import { diffusionOf, type Pipeline } from "../model/pipeline.ts";
import { schedulerConfigOf } from "../model/scheduler_config.ts";
import { createBatchOrder } from "./data/batch.ts";
import { type Dataset, openDataset } from "./data/dataset.ts";
import type { TrainingEvent } from "./events.ts";
import type { TrainOptions } from "./options.ts";
import { PRESETS } from "./presets.ts";
import { type Recipe, resolveRecipe } from "./recipe.ts";
import { RunError } from "./run_error.ts";
import { writeCheckpoint } from "./training/checkpoint.ts";
import { makeExamples } from "./training/example.ts";
import { openMetrics } from "./training/metrics.ts";
import { findStand } from "./training/find_stand.ts";
import { createRunFolder, defaultRunFolder, readRecipe, reopenRunFolder } from "./training/run_folder.ts";
import { writeSampleGrid } from "./training/sample_grid.ts";
import {
  averagePart,
  downloadState,
  downloadTensors,
  initialState,
  type TrainingState,
  uploadState,
} from "./training/state.ts";
import { createTrainStep } from "./training/train_step.ts";

/** Steps over which the rate that is reported is taken. */
const RATE_STEPS = 20;

/** The run's model without its weights: the preset's U-Net, fitted to the data, and the noise schedule. */
const describeModel = (
  recipe: Recipe,
  { height, width, channels, classNames }: Dataset,
): Omit<Pipeline, "folder" | "weights"> => ({
  unet: parseUNetConfig({
    ...PRESETS[recipe.preset!].unet,
    dropout: recipe.dropout!,
    sample_size: height === width ? height : [height, width],
    in_channels: channels,
    out_channels: channels,
    // One class more than there are stands for no class, which guidance needs.
    num_class_embeds: classNames ? classNames.length + 1 : null,
  }),
  scheduler: schedulerConfigOf({
    schedule: recipe.schedule!,
    timesteps: recipe.timesteps!,
    prediction: recipe.prediction!,
  }),
  labels: classNames,
  nullLabel: classNames ? classNames.length : null,
});

/** The run's folder and recipe: a new one's, or those of the run to go on with. */
const chooseRun = async (
  { steps, out, resume, tensorflow: _library, xla: _compiler, stopAtEof: _, lease: _lease, ...rest }: TrainOptions,
): Promise<{ run: string; recipe: Recipe }> => {
  if (resume === undefined) {
    const recipe = resolveRecipe({ ...rest, steps });
    return { run: out ?? defaultRunFolder(recipe), recipe };
  }
  const recipe = await readRecipe(resume);
  return { run: resume, recipe: { ...recipe, steps: steps ?? recipe.steps } };
};

/** Lets signals and streams be heard: the engine's calls never leave the thread by themselves. */
const breathe = () => new Promise<void>((resume) => setTimeout(resume, 0));

/**
 * Trains a model by Algorithm 1 (Ho et al. 2020) into a run folder: `config.json`, `metrics.jsonl`, `samples/`,
 * `checkpoints/step-N/`, `latest`.
 *
 * @param options.signal stops the run after its current step, with a checkpoint
 * @param options.report hears what happens
 * @throws {RunError} if the folder is in the way or another process's, or holds nothing whole to resume; or if the loss
 * is no number any more, and then the last checkpoint stays
 * @throws {DiskError} if something cannot be written; the last checkpoint stays
 */
export const train = async (
  options: TrainOptions,
  { signal, report }: { signal: AbortSignal; report: (event: TrainingEvent) => void },
): Promise<void> => {
  const { run, recipe } = await chooseRun(options);
  const isResumed = options.resume !== undefined;
  const dataset = await openDataset(recipe.data!);
  const engine = await openEngine(recipe.engine, options);
  const model = describeModel(recipe, dataset);
  using _lock = isResumed ? await reopenRunFolder(run) : await createRunFolder(run, recipe);
  const stored = isResumed
    ? await findStand(run, recipe, { notice: (message) => report({ event: "notice", message }) })
    : null;

  const diffusion = diffusionOf(model.scheduler);
  const prediction = recipe.prediction!;
  const { seed, labelDropout, steps, batch: batchSize } = recipe;
  const examples = {
    diffusion,
    prediction,
    lossWeights: lossWeights(diffusion, recipe.lossWeighting, { prediction }),
    labelDropout,
    nullLabel: model.nullLabel,
    seed,
  };
  const order = createBatchOrder({ length: dataset.count, batchSize, seed });
  const shape = [dataset.height, dataset.width, dataset.channels] as const;
  const trainStep = createTrainStep(model.unet, engine);
  const state: TrainingState = stored
    ? uploadState(stored)
    : initialState(initializeUNet(model.unet, seed), { rates: recipe.ema });

  const checkpoint = async () => {
    const folder = await writeCheckpoint(run, model, downloadState(state), recipe);
    report({ event: "checkpoint", step: state.step, folder });
  };
  const drawSamples = async () => {
    const weights = downloadTensors(state.tensors.get(averagePart(recipe.ema[0]))!);
    const file = await writeSampleGrid(run, engine, { ...model, folder: run, weights }, state.step);
    report({ event: "sample", step: state.step, file });
  };

  report({ event: "start", run, steps, engine: engine.name });
  using metrics = await openMetrics(run, state.step);
  let written = stored?.step ?? -1;
  const times: number[] = [performance.now()];

  while (state.step < steps && !signal.aborted) {
    const learningRate = recipe.lr * Math.min(1, (state.step + 1) / Math.max(1, recipe.warmup));
    const batch = makeExamples(dataset, order(state.step), state.step, examples);
    const { loss, gradientNorm } = trainStep(state, batch, shape, { ...recipe, ema: recipe.ema[0], learningRate });
    if (!Number.isFinite(loss)) {
      const last = written > 0 ? `the last checkpoint is ${run}/checkpoints/step-${written}` : "there is no checkpoint";
      throw new RunError(`Cannot go on: the loss became ${loss} at step ${state.step}; ${last}. A lower --lr may help`);
    }
    await metrics.write({ step: state.step, loss, gradientNorm, learningRate });

    // Report.
    times.push(performance.now());
    if (times.length > RATE_STEPS + 1) times.shift();
    const secondsAStep = (times.at(-1)! - times[0]) / (times.length - 1) / 1000;
    report({
      event: "progress",
      step: state.step,
      steps,
      loss,
      imagesPerSecond: batchSize / secondsAStep,
      secondsLeft: (steps - state.step) * secondsAStep,
    });
    await breathe();

    // Samples and checkpoints; their time is no part of the rate.
    const isLast = state.step === steps;
    const isSampled = state.step % recipe.sampleEvery === 0 || isLast;
    const isWritten = state.step % recipe.checkpointEvery === 0 || isLast;
    if (isSampled) await drawSamples();
    if (isWritten) {
      await checkpoint();
      written = state.step;
    }
    if (isSampled || isWritten) times.splice(0, times.length, performance.now());
  }

  if (state.step > written) await checkpoint();
  if (state.step < steps) {
    report({ event: "stopped", step: state.step, resume: `deno task train --resume ${run}` });
  } else {
    report({ event: "done", step: state.step, folder: `${run}/checkpoints/step-${state.step}` });
  }
};
