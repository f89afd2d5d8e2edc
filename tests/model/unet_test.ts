import { assert, assertLess } from "@std/assert";
import { fromFileUrl } from "@std/path";
import * as tf from "@tensorflow/tfjs-core";
import { openEngine } from "../../engine/mod.ts";
import { oneHot, uploadWeights } from "../../model/denoiser.ts";
import { toStoredLayout } from "../../model/layout.ts";
import { loadPipeline } from "../../model/pipeline.ts";
import { parseSafetensors, type StoredTensor } from "../../model/safetensors.ts";
import { timestepEmbedding } from "../../model/timestep_embedding.ts";
import { createUNet } from "../../model/unet.ts";
import { Weights } from "../../model/weights.ts";
import { relativeError } from "../engine/relative_error.ts";
import { whyNot } from "../engine/why_not.ts";

const FIXTURES = fromFileUrl(new URL("../fixtures/model/", import.meta.url));
const TIMESTEPS = [3, 977];
const LABELS = [1, 4];

const nhwc = ({ shape, data }: StoredTensor): tf.Tensor4D =>
  tf.tidy(() => tf.transpose(tf.tensor4d(data, shape as [number, number, number, number]), [0, 2, 3, 1]));

for (const engine of ["tensorflow", "webgpu-software", "wasm", "cpu"] as const) {
  const reason = whyNot(engine);
  for (const name of ["conditional", "ddpm", "learned"]) {
    const title = `U-Net ${name} on ${engine}: output within 1e-5 of diffusers, gradients within 1e-4 of PyTorch`;
    Deno.test(`${title} ${reason}`.trimEnd(), { ignore: reason !== "" }, async () => {
      await openEngine(engine);
      const pipeline = await loadPipeline(`${FIXTURES}${name}`);
      const expected = parseSafetensors(await Deno.readFile(`${FIXTURES}${name}.safetensors`));
      const { unet: config } = pipeline;
      const unet = createUNet(config);
      const before = tf.memory().numTensors;
      const variables = uploadWeights(pipeline.weights);
      const size = config.block_out_channels[0];
      const embedding = timestepEmbedding(TIMESTEPS, {
        size,
        freqShift: config.freq_shift,
        flipSinToCos: config.flip_sin_to_cos,
      });
      const classes = config.num_class_embeds;
      const inputs = {
        x: nhwc(expected.get("x")!),
        timesteps: tf.tensor2d(embedding, [2, size]),
        classes: classes === null ? undefined : tf.tensor2d(oneHot(LABELS, classes), [2, classes]),
      };

      const out = tf.tidy(() => unet(inputs, new Weights(variables)));
      assertLess(relativeError(out.dataSync(), tf.tidy(() => nhwc(expected.get("out")!).dataSync())), 1e-5);

      const names = [...variables.keys()];
      const gradients = tf.tidy(() => {
        const cotangent = nhwc(expected.get("cotangent")!);
        return tf.grads((...tensors: tf.Tensor[]) =>
          tf.sum(tf.mul(unet(inputs, new Weights(new Map(names.map((n, i) => [n, tensors[i]])))), cotangent))
        )([...variables.values()]);
      });
      for (const [i, parameter] of names.entries()) {
        const gradient = gradients[i];
        const stored = toStoredLayout(parameter, {
          shape: gradient.shape,
          data: gradient.dataSync() as Float32Array<ArrayBuffer>,
        });
        const reference = expected.get(`gradient.${parameter}`)!;
        // A key's bias cannot change a softmax: its gradient is rounding around 0.
        if (parameter.endsWith("to_k.bias")) continue;
        assertLess(relativeError(stored.data, reference.data), 1e-4, `gradient of ${parameter}`);
      }
      tf.dispose([out, gradients, inputs.x, inputs.timesteps, inputs.classes ?? [], [...variables.values()]]);
      assert(tf.memory().numTensors === before, `${tf.memory().numTensors - before} tensors left`);
    });
  }
}
