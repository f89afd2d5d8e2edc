import { assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import * as tf from "@tensorflow/tfjs-core";
import { type EngineName, openEngine } from "../../../engine/mod.ts";
import { disposeState, downloadState, initialState } from "../../../jobs/training/state.ts";
import { createTrainStep } from "../../../jobs/training/train_step.ts";
import { loadPipeline } from "../../../model/pipeline.ts";
import { assertWithin, columnOf } from "../../engine/assert_within.ts";
import { randomValues } from "../../engine/random_values.ts";
import { relativeError } from "../../engine/relative_error.ts";
import { whyNot } from "../../engine/why_not.ts";

const MODEL = fromFileUrl(new URL("../../fixtures/model/conditional", import.meta.url));
const SHAPE = [8, 8, 1] as const;

const threeSteps = async (engine: EngineName) => {
  await openEngine(engine);
  const { unet, weights } = await loadPipeline(MODEL);
  const before = tf.memory().numTensors;
  const step = createTrainStep(unet);
  const state = initialState(weights, { rates: [0.9] });
  const results = [1, 2, 3].map((seed) =>
    step(
      state,
      {
        xt: randomValues([4, ...SHAPE], seed),
        timesteps: Int32Array.of(1, 50, 300, 900),
        target: randomValues([4, ...SHAPE], 10 + seed),
        weights: Float32Array.of(1, 1, 0.5, 1),
        labels: Int32Array.of(0, 1, 2, 3),
      },
      SHAPE,
      { learningRate: 1e-3 * seed, clip: 1, ema: 0.9 },
    )
  );
  const stored = downloadState(state);
  disposeState(state);
  step.dispose();
  assertEquals(tf.memory().numTensors, before);
  return { results, stored };
};

for (const engine of ["cpu", "tensorflow", "webgpu-software"] as const) {
  const reason = whyNot(engine);
  const column = columnOf(engine);
  const title = `createTrainStep on ${engine}: three steps end where wasm's do, and in the same bits when repeated`;
  Deno.test(`${title} ${reason}`.trimEnd(), { ignore: reason !== "" }, async () => {
    const expected = await threeSteps("wasm");
    const actual = await threeSteps(engine);
    for (const [i, { loss, gradientNorm }] of actual.results.entries()) {
      const kind = { suite: "three training steps", quantity: "loss and gradient norm, from wasm's", engine: column };
      assertWithin(Math.abs(loss / expected.results[i].loss - 1), 1e-5, kind);
      assertWithin(Math.abs(gradientNorm / expected.results[i].gradientNorm - 1), 1e-5, kind);
    }
    assertEquals(actual.stored.step, 3);
    for (const [part, tensors] of actual.stored.tensors) {
      for (const [name, { data }] of tensors) {
        // A key's bias cannot change a softmax: its gradient is rounding around 0, which Adam makes a step of.
        if (name.endsWith("to_k.bias")) continue;
        const difference = relativeError(data, expected.stored.tensors.get(part)!.get(name)!.data);
        const kind = {
          suite: "three training steps",
          quantity: "weights, moments and average, from wasm's",
          engine: column,
        };
        assertWithin(difference, 2e-3, kind, `${part} of ${name}`);
      }
    }
    assertEquals(await threeSteps(engine), actual);
  });
}
