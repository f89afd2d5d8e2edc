import { assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { betaSchedule, createDiffusion, lossWeights, type Prediction } from "../../core/mod.ts";
import { openEngine } from "../../engine/mod.ts";
import { hasCounterUniform } from "../../engine/random.ts";
import { parseSafetensors, type StoredTensor } from "../../model/safetensors.ts";
import { parseUNetConfig } from "../../model/unet_config.ts";
import { averagePart } from "../../training/checkpoint_files.ts";
import type { Loss, TrainedVariance } from "../../training/choices.ts";
import { dropoutSizes, fillMask } from "../../training/micro_batch.ts";
import { disposeState, downloadState, initialState } from "../../training/state.ts";
import { createTrainStep, type WeightedMicroBatch } from "../../training/train_step.ts";
import { assertWithin, columnOf } from "../engine/assert_within.ts";
import { relativeError } from "../engine/relative_error.ts";
import { whyNot } from "../engine/why_not.ts";
import golden from "../fixtures/training/train_step.json" with { type: "json" };

const tensors = parseSafetensors(
  await Deno.readFile(fromFileUrl(new URL("../fixtures/training/train_step.safetensors", import.meta.url))),
);
const group = (prefix: string): Map<string, StoredTensor> =>
  new Map(
    [...tensors].filter(([name]) => name.startsWith(`${prefix}.`)).map(([name, tensor]) => [
      name.slice(prefix.length + 1),
      tensor,
    ]),
  );

const diffusion = createDiffusion(betaSchedule("linear", 1000));
const BATCH = 4, SIZE = 64, DROPOUT = 0.2;

/** Images `from` … `to` of a step's batch, with masks where the engine draws none. */
const partOf = (step: number, from: number, to: number, config: ReturnType<typeof configOf>): WeightedMicroBatch => {
  const { timesteps, labels, weights } = golden.batches[step];
  const cut = (name: string) => tensors.get(`${name}.${step}`)!.data.subarray(from * SIZE, to * SIZE);
  const makesMasks = config.dropout > 0 && !hasCounterUniform();
  return {
    images: cut("images"),
    noise: cut("noise"),
    timesteps: Int32Array.from(timesteps.slice(from, to)),
    weights: weights.slice(from, to),
    labels: Int32Array.from(labels.slice(from, to)),
    masks: makesMasks
      ? dropoutSizes(config).map((size, layer) => {
        const mask = new Uint8Array((to - from) * size);
        fillMask(mask, { seed: golden.seed, step, layer, first: from * size }, DROPOUT);
        return mask;
      })
      : null,
  };
};

/** ‖actual − expected‖ / ‖expected‖: one element whose gradient is nearly 0, of which Adam makes a step, says little. */
const relativeDistance = (actual: Float32Array, expected: Float32Array): number =>
  Math.hypot(...actual.map((value, i) => value - expected[i])) / Math.hypot(...expected);

const configOf = (changes: { out_channels?: number; dropout?: number }) =>
  parseUNetConfig({ ...golden.config, ...changes });

for (const engine of ["wasm", "onnx", "tensorflow", "webgpu-software"] as const) {
  const reason = whyNot(engine);
  const column = columnOf(engine);
  const test = (name: string, run: () => void) =>
    Deno.test(`${name} ${reason}`.trimEnd(), { ignore: reason !== "" }, async () => {
      await openEngine(engine);
      run();
    });

  test(
    `createTrainStep on ${engine}: dropout, min-SNR, the hybrid loss, weighted t, a batch in parts, clipping, Adam and two ` +
      "averages leave PyTorch's weights after three steps, to 1e-5",
    () => {
      const config = configOf({ dropout: DROPOUT });
      const options = { config, batch: BATCH, rates: golden.rates, seed: golden.seed };
      const objective = {
        diffusion,
        prediction: "epsilon",
        variance: "learned_range",
        loss: "hybrid",
        lossWeights: lossWeights(diffusion, "min_snr"),
      } as const;
      const step = createTrainStep({ ...options, objective });
      const state = initialState(group("before"), options);
      const kind = { suite: "three steps of the whole recipe", engine: column };
      for (const [i, expected] of golden.steps.entries()) {
        step.add(state, partOf(i, 0, 2, config));
        step.finish(state, partOf(i, 2, 4, config), { learningRate: 1e-3 * (i + 1), clip: 0.5 });
        const { loss, losses, gradientNorm } = step.result;
        const scalars = { ...kind, quantity: "losses and gradient norm, from PyTorch's" };
        assertWithin(Math.abs(loss / expected.loss - 1), 1e-5, scalars, `loss of step ${i}`);
        assertWithin(relativeError(losses, expected.losses), 1e-5, scalars, `losses of step ${i}`);
        assertWithin(Math.abs(gradientNorm / expected.gradientNorm - 1), 1e-5, scalars, `norm of step ${i}`);
      }
      const stored = downloadState(state);
      disposeState(state);
      step.dispose();
      const parts = [["weights", "after"], ...golden.rates.map((rate) => [averagePart(rate), averagePart(rate)])];
      for (const [part, name] of parts) {
        const expected = group(name);
        assertEquals(stored.tensors.get(part)!.size, expected.size);
        for (const [tensor, { data }] of stored.tensors.get(part)!) {
          const quantity = { ...kind, quantity: "weights and averages, from PyTorch's" };
          const distance = relativeDistance(data, expected.get(tensor)!.data);
          assertWithin(distance, 1e-5, quantity, `${part} of ${tensor}`);
        }
      }
    },
  );

  test(`createTrainStep on ${engine}: each loss, for each prediction and variance, is improved-diffusion's`, () => {
    for (const { variance, loss, prediction, timesteps, losses, gradientNorm } of golden.gradients) {
      // What differs by prediction is computed on the host: one engine has to show it.
      if (engine !== "wasm" && prediction !== "epsilon") continue;
      const isLearned = variance === "learned_range";
      const config = configOf({ out_channels: isLearned ? 2 : 1 });
      const step = createTrainStep({
        config,
        batch: BATCH,
        rates: [0],
        objective: {
          diffusion,
          prediction: prediction as Prediction,
          variance: variance as TrainedVariance,
          loss: loss as Loss,
          lossWeights: new Float64Array(1000).fill(1),
        },
      });
      const weights = group("before");
      if (!isLearned) { for (const [name, tensor] of group("single")) weights.set(name, tensor); }
      const state = initialState(weights, { rates: [0] });
      const part = { ...partOf(0, 0, 4, config), timesteps: Int32Array.from(timesteps) };
      step.finish(state, part, { learningRate: 0, clip: 1 });
      const what = `${loss}, ${variance}, ${prediction}`;
      const kind = { suite: "losses", quantity: "losses and gradient norm, from improved-diffusion's", engine: column };
      assertWithin(relativeError(step.result.losses, losses), 1e-5, kind, what);
      // Where a loss is a difference of large numbers, float32 keeps fewer of its digits.
      assertWithin(Math.abs(step.result.gradientNorm / gradientNorm - 1), 1e-4, kind, what);
      disposeState(state);
      step.dispose();
    }
  });
}
