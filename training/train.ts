/**
 * Training: what `train` does; this file is its loop. Schedules and losses are core's, the network is model's, the
 * queue of trainings that a server takes is jobs', and how good the result is, evaluation measures.
 *
 * Read `recipe.ts` first, which has every setting, then `train_step.ts`, one update of the weights, and `run_folder.ts`
 * with `checkpoint.ts`, from which a run resumes to the bit. `loader.ts` prepares batches on a thread of its own.
 *
 * @module
 */
import { basename, join } from "@std/path";
import { openDataset } from "../datasets/open.ts";
import { openEngine } from "../engine/mod.ts";
import { hasCounterUniform } from "../engine/random.ts";
import { loadPipeline } from "../model/pipeline.ts";
import { createBoundEstimate } from "./bound_estimate.ts";
import { writeCheckpoint } from "./checkpoint.ts";
import { averagePart, checkpointFolder } from "./checkpoint_files.ts";
import { dataFactsOf } from "./data_facts.ts";
import { DivergedError } from "./errors.ts";
import type { TrainingEvent } from "./events.ts";
import { createLoader } from "./loader.ts";
import { createStepClock, lossByQuartile, openMetrics } from "./metrics.ts";
import { type BatchPlan, dropoutSizes } from "./micro_batch.ts";
import { checkNeeds, machineLimits, needLimits } from "./needs.ts";
import { givenFields, MODEL_DECIDES, type Recipe, type TrainOptions } from "./recipe.ts";
import { createRunFolder, defaultRunFolder, readRecipe, reopenRunFolder, restoreRun } from "./run_folder.ts";
import { checkWeights, initialWeights, objectiveOf, resolveModel, type RunModel } from "./run_model.ts";
import { writeSampleGrid } from "./sample_grid.ts";
import { downloadState, downloadTensors, initialState, uploadState } from "./state.ts";
import { openTensorBoard } from "./tensorboard.ts";
import { createTimestepSampler } from "./timesteps.ts";
import { createTrainStep } from "./train_step.ts";

/** The run's folder and recipe: a new one's, or those of the run to go on with. */
const chooseRun = async ({ recipe, out, resume, data, steps, engine }: TrainOptions) => {
  if (recipe) return { run: out ?? defaultRunFolder(recipe), recipe, isResumed: false };
  const stored = await readRecipe(resume!);
  const moved = {
    data: data ?? stored.data,
    steps: steps ?? stored.steps,
    engine: engine === "auto" ? stored.engine : engine,
  };
  return { run: resume!, recipe: { ...stored, ...moved }, isResumed: true };
};

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
 * @param options.report receives what happens
 * @param options.checkLease called before something is written; throws if the run is not this process's any more
 * @throws {ParameterError} if it would take more memory or disk than it may, which is told before any work
 * @throws {RunError} if the folder is in the way or another process's, or holds nothing whole to resume, or a run on other
 * data; if what the run is to start from does not fit
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
  const status = (message: string) => report({ event: "status", message });
  // One that goes on has its data and checkpoints already.
  if (!isResumed) {
    const limits = await machineLimits(run, needLimits(options));
    await checkNeeds(recipe, limits, { given: givenFields(options), tensorflow: options.tensorflow, signal });
  }
  status(`reading the images of ${basename(recipe.data!)}`);
  using dataset = await openDataset(recipe.data!, {
    size: recipe.size ?? undefined,
    classes: recipe.classes ?? undefined,
    signal,
    onProgress: report,
  });
  const modelFrom = async (recipe: Recipe, folder: string | null) => {
    const init = folder === null ? null : await loadPipeline(folder, { notice });
    return { init, model: resolveModel(recipe, dataset, init) };
  };
  const data = dataFactsOf(dataset, recipe);
  const restore = async () => {
    const stored = await restoreRun(run, recipe, { data, isMoved: options.data !== undefined, notice });
    // The model that it once started from may be gone: its own checkpoint says the same.
    const isOwn = stored !== null && recipe.init !== null;
    const from = isOwn ? join(run, checkpointFolder(stored.step)) : recipe.init;
    const made = await modelFrom(isOwn ? { ...recipe, ...MODEL_DECIDES, preset: null } : recipe, from);
    // A checkpoint from before there were data in it says no more of them.
    if (stored) checkWeights(run, made.model, stored.tensors.get("weights")!);
    return { stored, ...made };
  };

  // What cannot work is refused before there is a folder.
  const begun = isResumed ? null : { stored: null, ...await modelFrom(recipe, recipe.init) };
  status("starting the engine");
  const engine = await openEngine(recipe.engine, { ...options, trains: true });
  using _lock = isResumed ? await reopenRunFolder(run) : await createRunFolder(run, recipe);
  if (isResumed) status("reading the last checkpoint");
  const { stored, init, model } = begun ?? await restore();

  const { seed, steps, batch, clip, ema: rates } = recipe;
  const state = stored ? uploadState(stored) : initialState(initialWeights(model, init, { seed, notice }), { rates });
  const objective = objectiveOf(recipe, model);
  const T = objective.diffusion.timesteps;
  const { numbers } = state;
  const sampler = createTimestepSampler({ sampling: recipe.timestepSampling, timesteps: T, seed, numbers });
  const bound = createBoundEstimate({ ...objective, numbers });
  const trainStep = createTrainStep({ config: model.unet, objective, batch, rates, seed, xla: engine.xla });
  const plan = planOf(recipe, model), parts = batch / plan.microBatch;

  const checkpoint = async () => {
    checkLease();
    const folder = await writeCheckpoint(run, model, { ...downloadState(state), data }, recipe);
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
  if (state.step < steps) status("compiling the network: the first step takes longer");

  while (state.step < steps && !signal.aborted) {
    const learningRate = recipe.lr * Math.min(1, (state.step + 1) / Math.max(1, recipe.warmup));
    const draw = sampler.draw(state.step, batch);

    // Gradients of all parts, then the update.
    const step = state.step + 1;
    // A step of many parts may take long: one that is called off within is as if it had never begun.
    const before = parts > 1 ? structuredClone(numbers) : {};
    let i = 0;
    for (; i === 0 || (i < parts && !signal.aborted); i++) {
      const range = [i * plan.microBatch, (i + 1) * plan.microBatch] as const;
      const drawn = { timesteps: draw.timesteps.subarray(...range), weights: draw.weights.subarray(...range) };
      const part = { ...await loader.next(), ...drawn };
      const { squaredErrors, bounds } = clock.inStep(() =>
        i < parts - 1 ? trainStep.add(state, part) : trainStep.finish(state, part, { learningRate, clip })
      );
      bound.record({ ...drawn, squaredErrors, bounds, images: part.images });
      // Otherwise no signal is heard until the step's end.
      if (parts > 1) await new Promise((resume) => setTimeout(resume, 0));
    }
    if (i < parts) {
      for (const [name, values] of Object.entries(before)) numbers[name].set(values);
      break;
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
    const measured = {
      loss,
      lossByQuartile: lossByQuartile(draw.timesteps, squaredErrors, T),
      bitsPerDim: bound.value,
      gradientNorm,
      learningRate,
    };
    checkLease();
    await metrics.write({ step, ...measured, timing });
    await tensorBoard?.writeMetrics({ step, ...measured, timing });
    const secondsLeft = (steps - step) * batch / timing.imagesPerSecond;
    report({ event: "progress", step, steps, ...measured, ...timing, secondsLeft });

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
