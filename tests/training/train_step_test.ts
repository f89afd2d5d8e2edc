import { assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import * as tf from "@tensorflow/tfjs-core";
import { betaSchedule, createDiffusion } from "../../core/mod.ts";
import { type EngineName, openEngine } from "../../engine/mod.ts";
import { loadPipeline } from "../../model/pipeline.ts";
import type { Objective } from "../../training/loss.ts";
import { disposeState, downloadState, initialState } from "../../training/state.ts";
import { createTrainStep } from "../../training/train_step.ts";
import { assertWithin, columnOf } from "../engine/assert_within.ts";
import { randomValues } from "../engine/random_values.ts";
import { relativeError } from "../engine/relative_error.ts";
import { whyNot } from "../engine/why_not.ts";

const MODEL = fromFileUrl(new URL("../fixtures/model/conditional", import.meta.url));
const SHAPE = [8, 8, 1] as const;
const SIZE = 64, BATCH = 4;

const objective: Objective = {
  diffusion: createDiffusion(betaSchedule("linear", 1000)),
  prediction: "epsilon",
  variance: "fixed_small",
  loss: "simple",
  lossWeights: new Float64Array(1000).fill(1),
};

const threeSteps = async (engine: EngineName, { microBatch = BATCH, dropout = 0 } = {}) => {
  await openEngine(engine);
  const { unet, weights } = await loadPipeline(MODEL);
  const before = tf.memory().numTensors;
  const options = { config: { ...unet, dropout }, objective, batch: BATCH, rates: [0.9], seed: 3 };
  const step = createTrainStep(options);
  const state = initialState(weights, options);
  const results = [1, 2, 3].map((seed) => {
    const images = randomValues([BATCH, ...SHAPE], seed), noise = randomValues([BATCH, ...SHAPE], 10 + seed);
    for (let from = 0; from < BATCH; from += microBatch) {
      const to = from + microBatch;
      const part = {
        images: images.subarray(from * SIZE, to * SIZE),
        noise: noise.subarray(from * SIZE, to * SIZE),
        timesteps: Int32Array.of(1, 50, 300, 900).subarray(from, to),
        weights: [1, 1, 0.5, 1].slice(from, to),
        labels: Int32Array.of(0, 1, 2, 3).subarray(from, to),
        masks: null,
      };
      if (to < BATCH) step.add(state, part);
      else step.finish(state, part, { learningRate: 1e-3 * seed, clip: 1 });
    }
    return step.result;
  });
  const stored = downloadState(state);
  disposeState(state);
  step.dispose();
  assertEquals(tf.memory().numTensors, before);
  return { results, stored };
};

type Outcome = Awaited<ReturnType<typeof threeSteps>>;

/** A key's bias cannot change a softmax: its gradient is rounding around 0, which Adam makes a step of. */
const isNoise = (name: string) => name.endsWith("to_k.bias");

const differences = function* (actual: Outcome, expected: Outcome): Generator<[what: string, difference: number]> {
  for (const [part, tensors] of actual.stored.tensors) {
    for (const [name, { data }] of tensors) {
      if (isNoise(name)) continue;
      yield [`${part} of ${name}`, relativeError(data, expected.stored.tensors.get(part)!.get(name)!.data)];
    }
  }
};

for (const engine of ["cpu", "onnx", "tensorflow", "webgpu-software"] as const) {
  const reason = whyNot(engine);
  const column = columnOf(engine);
  const title = `createTrainStep on ${engine}: three steps end where wasm's do, and in the same bits when repeated`;
  Deno.test(`${title} ${reason}`.trimEnd(), { ignore: reason !== "" }, async () => {
    const expected = await threeSteps("wasm");
    const actual = await threeSteps(engine);
    const kind = { suite: "three training steps", engine: column };
    for (const [i, { loss, gradientNorm }] of actual.results.entries()) {
      const scalars = { ...kind, quantity: "loss and gradient norm, from wasm's" };
      assertWithin(Math.abs(loss / expected.results[i].loss - 1), 1e-5, scalars);
      assertWithin(Math.abs(gradientNorm / expected.results[i].gradientNorm - 1), 1e-5, scalars);
    }
    assertEquals(actual.stored.step, 3);
    for (const [what, difference] of differences(actual, expected)) {
      assertWithin(difference, 2e-3, { ...kind, quantity: "weights, moments and average, from wasm's" }, what);
    }
    assertEquals(await threeSteps(engine), actual);
  });
}

for (const engine of ["wasm", "onnx", "tensorflow"] as const) {
  const reason = whyNot(engine);
  // Only an engine that draws its own masks is asked for dropout here: they must be those of the whole batch.
  const dropout = engine === "tensorflow" ? 0.2 : 0;
  const title = `createTrainStep on ${engine}: the gradients of a batch's parts add up to the whole batch's`;
  Deno.test(`${title} ${reason}`.trimEnd(), { ignore: reason !== "" }, async () => {
    const whole = await threeSteps(engine, { dropout });
    for (const microBatch of [1, 2]) {
      const parts = await threeSteps(engine, { microBatch, dropout });
      const kind = { suite: `three training steps in parts of ${microBatch}`, engine: columnOf(engine) };
      for (const [i, { losses, gradientNorm }] of parts.results.entries()) {
        const scalars = { ...kind, quantity: "losses and gradient norm, from the whole batch's" };
        assertWithin(relativeError(losses, whole.results[i].losses), 1e-5, scalars);
        assertWithin(Math.abs(gradientNorm / whole.results[i].gradientNorm - 1), 1e-5, scalars);
      }
      for (const [what, difference] of differences(parts, whole)) {
        assertWithin(difference, 2e-3, { ...kind, quantity: "weights, moments and average, from its" }, what);
      }
    }
  });
}
