import { join } from "@std/path";
import { openEngine } from "../engine/mod.ts";
import { hasCounterUniform } from "../engine/random.ts";
import { loadPipeline, type Pipeline } from "../model/pipeline.ts";
import { openDataset } from "./data/dataset.ts";
import { DivergedError } from "./diverged_error.ts";
import type { TrainingEvent } from "./events.ts";
import type { TrainOptions } from "./options.ts";
import { type Recipe, resolveRecipe } from "./recipe.ts";
import { createBoundEstimate } from "./training/bits_per_dim.ts";
import { writeCheckpoint } from "./training/checkpoint.ts";
import { checkpointFolder } from "./training/checkpoint_files.ts";
import { dropoutSizes } from "./training/dropout.ts";
import { findStand } from "./training/find_stand.ts";
import { firstWeights } from "./training/first_weights.ts";
import { createLoader } from "./training/loader.ts";
import { lossByQuartile } from "./training/loss_by_quartile.ts";
import { openMetrics } from "./training/metrics.ts";
import type { BatchPlan } from "./training/prepare.ts";
import { createRunFolder, defaultRunFolder, readRecipe, reopenRunFolder } from "./training/run_folder.ts";
import { describeModel, objectiveOf, type RunModel } from "./training/run_model.ts";
import { writeSampleGrid } from "./training/sample_grid.ts";
import { averagePart, downloadState, downloadTensors, initialState, uploadState } from "./training/state.ts";
import { openTensorBoard } from "./training/tensorboard/tensorboard.ts";
import { createTimestepSampler } from "./training/timesteps.ts";
import { createStepClock } from "./training/timing.ts";
import { createTrainStep } from "./training/train_step.ts";

/** The run's folder and recipe: a new one's, or those of the run to go on with. */
const chooseRun = async ({ out, resume, steps, engine, ...options }: TrainOptions) => {
  if (resume === undefined) {
    const recipe = resolveRecipe({ ...options, steps, engine });
    return { run: out ?? defaultRunFolder(recipe), recipe, isResumed: false };
  }
  const recipe = await readRecipe(resume);
  const moved = { steps: steps ?? recipe.steps, engine: engine === "auto" ? recipe.engine : engine };
  return { run: resume, recipe: { ...recipe, ...moved }, isResumed: true };
};

/** What a resumed run takes from its own checkpoint, so that the model it once started from may be gone. */
const AS_SAVED = { preset: null, schedule: null, timesteps: null, prediction: null, variance: null, dropout: null };

/** How the run's batches are prepared. */
const planOf = (recipe: Recipe, { unet, nullLabel }: RunModel): BatchPlan => ({
  seed: recipe.seed,
  batch: recipe.batch,
  microBatch: recipe.microBatch ?? recipe.batch,
  flip: recipe.flip,
  classShares: recipe.classShares,
  labelDropout: recipe.labelDropout,
  nullLabel,
  masks: unet.dropout > 0 && !hasCounterUniform() ? { rate: unet.dropout, sizes: dropoutSizes(unet) } : null,
});

/**
 * Trains a model by Algorithm 1 (Ho et al. 2020), or by what later work made of it, into a run folder: `config.json`,
 * `metrics.jsonl`, `samples/`, `checkpoints/step-N/`, `latest`.
 *
 * @param options.signal stops the run after its current step, with a checkpoint
 * @param options.report hears what happens
 * @param options.checkLease called before something is written; throws if the run is not this process's any more
 * @throws {RunError} if the folder is in the way or another process's, or holds nothing whole to resume; if what the run
 * is to start from does not fit
 * @throws {DivergedError} if the loss or the gradient is no number any more; the last checkpoint stays
 * @throws {DatasetError} if the images cannot be had
 * @throws {DiskError} if something cannot be written; the last checkpoint stays
 */
export const train = async (
  options: TrainOptions,
  { signal, report, checkLease = () => {} }: {
    signal: AbortSignal;
    report: (event: TrainingEvent) => void;
    checkLease?: () => void;
  },
): Promise<void> => {
  const { run, recipe, isResumed } = await chooseRun(options);
  const notice = (message: string) => report({ event: "notice", message });
  using dataset = await openDataset(recipe.data!, {
    size: recipe.size ?? undefined,
    classes: recipe.classes ?? undefined,
    signal,
    onProgress: report,
  });
  const load = (folder: string | null): Promise<Pipeline> | null => folder === null ? null : loadPipeline(folder);

  // What cannot work is told before there is a folder.
  const begun = isResumed ? null : { init: await load(recipe.init) };
  if (begun) describeModel(recipe, dataset, begun.init);
  const engine = await openEngine(recipe.engine, options);
  using _lock = isResumed ? await reopenRunFolder(run) : await createRunFolder(run, recipe);
  const stored = isResumed ? await findStand(run, recipe, { notice }) : null;
  const saved = stored && recipe.init !== null ? join(run, checkpointFolder(stored.step)) : null;
  const init = begun?.init ?? await load(saved ?? recipe.init);
  const model = describeModel(saved === null ? recipe : { ...recipe, ...AS_SAVED }, dataset, init);

  const { seed, steps, batch, clip, ema: rates } = recipe;
  const state = stored ? uploadState(stored) : initialState(firstWeights(model, init, { seed, notice }), { rates });
  const objective = objectiveOf(recipe, model);
  const T = objective.diffusion.timesteps;
  const { numbers } = state;
  const sampler = createTimestepSampler({ sampling: recipe.timestepSampling, timesteps: T, seed, numbers });
  const bound = createBoundEstimate({ ...objective, numbers });
  const trainStep = createTrainStep({ config: model.unet, objective, batch, rates, seed, xla: engine.xla });
  const plan = planOf(recipe, model), parts = batch / plan.microBatch;

  const checkpoint = async () => {
    checkLease();
    const folder = await writeCheckpoint(run, model, downloadState(state), recipe);
    report({ event: "checkpoint", step: state.step, folder });
  };
  const drawSamples = async () => {
    checkLease();
    const weights = downloadTensors(state.tensors.get(averagePart(rates[0]))!);
    const grid = await writeSampleGrid(run, engine, { ...model, folder: run, weights }, state.step);
    await tensorBoard?.writeSamples(state.step, grid);
    report({ event: "sample", step: state.step, file: grid.file });
  };

  report({ event: "start", run, steps, engine: engine.name });
  using metrics = await openMetrics(run, state.step);
  using tensorBoard = recipe.tensorboard ? await openTensorBoard(run, state.step) : null;
  using loader = createLoader(dataset, plan, { step: state.step });
  const clock = createStepClock(batch);
  let written = stored?.step ?? -1;

  while (state.step < steps && !signal.aborted) {
    const learningRate = recipe.lr * Math.min(1, (state.step + 1) / Math.max(1, recipe.warmup));
    const draw = sampler.draw(state.step, batch);

    // Gradients of all parts, then the update.
    const step = state.step + 1;
    for (let i = 0; i < parts; i++) {
      const range = [i * plan.microBatch, (i + 1) * plan.microBatch] as const;
      const drawn = { timesteps: draw.timesteps.subarray(...range), weights: draw.weights.subarray(...range) };
      const part = { ...await loader.next(), ...drawn };
      const { squaredErrors, bounds } = clock.inStep(() =>
        i < parts - 1 ? trainStep.add(state, part) : trainStep.finish(state, part, { learningRate, clip })
      );
      bound.record({ ...drawn, squaredErrors, bounds, images: part.images });
    }
    const { loss, losses, squaredErrors, gradientNorm } = trainStep.result;
    if (!Number.isFinite(loss) || !Number.isFinite(gradientNorm)) {
      const what = Number.isFinite(loss) ? `gradient's norm became ${gradientNorm}` : `loss became ${loss}`;
      const last = written > 0 ? `the last checkpoint is ${run}/checkpoints/step-${written}` : "there is no checkpoint";
      throw new DivergedError(`Cannot go on: the ${what} at step ${step}; ${last}. A lower --lr may help`);
    }
    sampler.record(draw.timesteps, losses);

    // Report.
    const timing = clock.lap();
    const told = {
      loss,
      lossByQuartile: lossByQuartile(draw.timesteps, squaredErrors, T),
      bitsPerDim: bound.value,
      gradientNorm,
      learningRate,
    };
    checkLease();
    await metrics.write({ step, ...told, timing });
    await tensorBoard?.writeMetrics({ step, ...told, timing });
    const secondsLeft = (steps - step) * batch / timing.imagesPerSecond;
    report({ event: "progress", step, steps, ...told, ...timing, secondsLeft });

    // Samples and checkpoints; their time is no part of the rate.
    const isLast = step === steps;
    const isSampled = step % recipe.sampleEvery === 0 || isLast;
    const isWritten = step % recipe.checkpointEvery === 0 || isLast;
    if (isSampled) await drawSamples();
    if (isWritten) {
      await checkpoint();
      written = step;
    }
    if (isSampled || isWritten) clock.restart();
  }

  if (state.step > written) await checkpoint();
  if (state.step < steps) {
    report({ event: "stopped", step: state.step, resume: `deno task train --resume ${run}` });
  } else {
    report({ event: "done", step: state.step, folder: `${run}/checkpoints/step-${state.step}` });
  }
};
