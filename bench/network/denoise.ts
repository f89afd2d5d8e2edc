/**
 * This project's side of the comparison, in a process of its own; contender.ts has the protocol.
 *
 *     deno run … bench/network/denoise.ts ENGINE compiled|eager step|train FOLDER
 */
import * as tf from "@tensorflow/tfjs-core";
import { type Engine, type EngineName, openEngine } from "../../engine/mod.ts";
import { createDenoiser } from "../../model/denoiser.ts";
import { loadPipeline, type Pipeline } from "../../model/pipeline.ts";
import { diffusionOf } from "../../model/scheduler_config.ts";
import { sampleShape } from "../../model/unet_config.ts";
import { initialState } from "../../training/state.ts";
import { createTrainStep, type TrainStep } from "../../training/train_step.ts";
import { type Abilities, answerRequests, normalImages } from "./answer.ts";

const [engineName, mode, purpose, folder] = Deno.args;

const sampler = (engine: Engine, pipeline: Pipeline): Abilities => {
  const denoiser = createDenoiser(engine, pipeline);
  const size = denoiser.height * denoiser.width * denoiser.channels;
  const evaluate = (x: Float32Array, timesteps: Int32Array) =>
    denoiser.evaluate(x, timesteps, denoiser.numClasses === null ? null : new Int32Array(timesteps.length));
  return {
    prepare: (rows) => {
      const x = normalImages(rows, size), timesteps = new Int32Array(rows).fill(500);
      return () => evaluate(x, timesteps);
    },
    evaluate: (x, timestep) => evaluate(x, Int32Array.of(timestep)),
  };
};

const trainer = ({ unet, scheduler, weights }: Pipeline): Abilities => {
  const size = sampleShape(unet).reduce((product, n) => product * n, unet.in_channels);
  const rates = [0.9999];
  const state = initialState(weights, { rates });
  const diffusion = diffusionOf(scheduler);
  const objective = {
    diffusion,
    prediction: scheduler.prediction_type,
    variance: "fixed_small" as const,
    loss: "simple" as const,
    lossWeights: new Float64Array(diffusion.timesteps).fill(1),
  };
  // A step is made for its number of images, and compiled at its first call.
  const steps = new Map<number, TrainStep>();
  return {
    prepare: (rows) => {
      const step = steps.get(rows) ?? createTrainStep({ config: unet, objective, batch: rows, rates });
      steps.set(rows, step);
      const part = {
        images: normalImages(rows, size),
        noise: normalImages(rows, size, 1),
        timesteps: new Int32Array(rows).fill(500),
        weights: new Float64Array(rows).fill(1),
        labels: unet.num_class_embeds === null ? null : new Int32Array(rows),
        masks: null,
      };
      return () => step.finish(state, part, { learningRate: 1e-5, clip: 1 });
    },
  };
};

const pipeline = await loadPipeline(folder);
const engine = await openEngine(engineName as EngineName);
if (mode === "eager") Object.defineProperty(tf.backend(), "compileFunction", { value: undefined });
await answerRequests(
  `${engine.name} ${engine.version}, ${engine.device}, ${mode}`,
  purpose === "train"
    ? trainer(pipeline)
    : sampler(mode === "eager" ? { ...engine, compilesFor: undefined } : engine, pipeline),
);
