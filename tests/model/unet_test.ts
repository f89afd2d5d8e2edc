import { assertEquals } from "@std/assert";
import * as tf from "@tensorflow/tfjs-core";
import { openEngine } from "../../engine/mod.ts";
import { assertWithin } from "../engine/assert_within.ts";
import { whyNot } from "../engine/why_not.ts";
import { agreementOf } from "./agreement.ts";

/** The paper's two networks made narrow, and what they lack: classes, a learned variance, heads, a middle of its own. */
const MODELS = ["cifar10", "celebahq", "conditional", "learned", "ddpm"];

for (const engine of ["onnx", "tensorflow", "webgpu-software", "wasm", "cpu"] as const) {
  const reason = whyNot(engine);
  for (const compiled of ["onnx", "tensorflow"].includes(engine) ? [false, true] : [false]) {
    const column = compiled ? `${engine}, compiled` : engine;
    for (const model of MODELS) {
      const title = `U-Net ${model} on ${column}: output within 1e-5 of diffusers, gradients within 1e-4 of PyTorch`;
      Deno.test(`${title} ${reason}`.trimEnd(), { ignore: reason !== "" }, async () => {
        await openEngine(engine);
        const before = tf.memory().numTensors;
        const { output, gradients } = await agreementOf(model, { compiled });
        assertWithin(output, 1e-5, { suite: `U-Net ${model}`, quantity: "output", engine: column });
        for (const [name, difference] of gradients) {
          // A key's bias cannot change a softmax: its gradient is rounding around 0.
          if (name.endsWith("to_k.bias")) continue;
          const kind = { suite: `U-Net ${model}`, quantity: "gradients", engine: column };
          assertWithin(difference, 1e-4, kind, `gradient of ${name}`);
        }
        assertEquals(tf.memory().numTensors, before, "tensors after, and before");
      });
    }
  }
}
