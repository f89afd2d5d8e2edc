/**
 * This project's side of the comparison, in a process of its own; contender.ts has the protocol.
 *
 *     deno run … bench/network/denoise.ts ENGINE compiled|eager sample|train FOLDER
 */
import * as tf from "@tensorflow/tfjs-core";
import { fillNormal } from "../../core/mod.ts";
import { type Engine, type EngineName, openEngine } from "../../engine/mod.ts";
import { initialState } from "../../jobs/training/state.ts";
import { createTrainStep } from "../../jobs/training/train_step.ts";
import { sampleShape } from "../../model/config.ts";
import { createDenoiser } from "../../model/denoiser.ts";
import { loadPipeline, type Pipeline } from "../../model/pipeline.ts";
import type { Operation } from "./contender.ts";

const [engineName, mode, purpose, folder] = Deno.args;

const images = (rows: number, size: number, step: number) => {
  const values = new Float32Array(rows * size);
  for (let i = 0; i < rows; i++) fillNormal(values.subarray(i * size, (i + 1) * size), { seed: 1, sample: i, step });
  return values;
};

const sampler = (engine: Engine, pipeline: Pipeline) => {
  const denoiser = createDenoiser(engine, pipeline);
  const size = denoiser.height * denoiser.width * denoiser.channels;
  const labels = (rows: number) => denoiser.numClasses === null ? null : new Int32Array(rows);
  return (rows: number) => void denoiser.evaluate(images(rows, size, 0), new Int32Array(rows).fill(500), labels(rows));
};

const trainer = ({ unet, weights }: Pipeline) => {
  const shape = [...sampleShape(unet), unet.in_channels] as [number, number, number];
  const size = shape.reduce((product, n) => product * n);
  const state = initialState(weights);
  const step = createTrainStep(unet);
  return (rows: number) => {
    const examples = {
      xt: images(rows, size, 0),
      timesteps: new Int32Array(rows).fill(500),
      target: images(rows, size, 1),
      weights: new Float32Array(rows).fill(1),
      labels: unet.num_class_embeds === null ? null : new Int32Array(rows),
    };
    step(state, examples, shape, { learningRate: 1e-5, clip: 1, ema: 0.9999 });
  };
};

const pipeline = await loadPipeline(folder);
const engine = await openEngine(engineName as EngineName);
if (mode === "eager") Object.defineProperty(tf.backend(), "compileFunction", { value: undefined });
const run = purpose === "train"
  ? trainer(pipeline)
  : sampler(mode === "eager" ? { ...engine, compiles: false } : engine, pipeline);
run(1);
console.log(JSON.stringify({ description: `${engine.name} ${engine.version}, ${engine.device}, ${mode}` }));

let buffered = "";
for await (const text of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
  buffered += text;
  const lines = buffered.split("\n");
  buffered = lines.pop()!;
  for (const line of lines) {
    const { rows } = JSON.parse(line) as Operation;
    const started = performance.now();
    run(rows);
    const seconds = (performance.now() - started) / 1000;
    console.log(JSON.stringify({ seconds, residentBytes: Deno.memoryUsage().rss }));
  }
}
