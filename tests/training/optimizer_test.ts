import { assertLess } from "@std/assert";
import * as tf from "@tensorflow/tfjs-core";
import { openEngine } from "../../engine/mod.ts";
import { adam, adamScalars, type AdamUpdate, clipScale, globalNorm } from "../../training/optimizer.ts";
import golden from "../fixtures/training/adam.json" with { type: "json" };

Deno.test("adam: with clipping by norm, weights follow PyTorch's to 1e-5", async () => {
  await openEngine("wasm");
  tf.engine().startScope();
  let parameters = golden.start.map((values): AdamUpdate => {
    const weight = tf.tensor(values);
    return { weight, firstMoment: tf.zerosLike(weight), secondMoment: tf.zerosLike(weight) };
  });
  for (const [i, gradients] of golden.gradients.entries()) {
    const tensors = gradients.map((values) => tf.tensor1d(values));
    const norm = globalNorm(tensors);
    assertLess(Math.abs(norm.dataSync()[0] / golden.norms[i] - 1), 1e-6);
    const scale = clipScale(norm, 1);
    parameters = parameters.map(({ weight, firstMoment, secondMoment }, k) =>
      adam(
        weight,
        tf.mul(tensors[k], scale),
        firstMoment,
        secondMoment,
        adamScalars({ learningRate: 0.1, step: i + 1 }),
      )
    );
    for (const [k, { weight }] of parameters.entries()) {
      weight.dataSync().forEach((value, j) => assertLess(Math.abs(value - golden.after[i][k][j]), 1e-5));
    }
  }
  tf.engine().endScope();
});
