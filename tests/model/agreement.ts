import { fromFileUrl } from "@std/path";
import * as tf from "@tensorflow/tfjs-core";
import { compile } from "../../engine/mod.ts";
import { oneHot } from "../../model/denoiser.ts";
import { loadPipeline } from "../../model/pipeline.ts";
import { parseSafetensors, type StoredTensor } from "../../model/safetensors.ts";
import { createUNet, timestepEmbedding, type UNetInputs } from "../../model/unet.ts";
import { toStoredLayout, uploadWeights, Weights } from "../../model/weights.ts";
import { relativeError } from "../engine/relative_error.ts";
import { nhwc } from "./nhwc.ts";

const FIXTURES = fromFileUrl(new URL("../fixtures/model/", import.meta.url));
const TIMESTEPS = [3, 977];
const LABELS = [1, 4];

/** How far a network is from Python's, each in units of the largest value expected. */
export interface Agreement {
  readonly output: number;
  /** By the parameter's name. */
  readonly gradients: ReadonlyMap<string, number>;
}

const upload = (image: StoredTensor): tf.Tensor4D => {
  const { shape, data } = nhwc(image);
  return tf.tensor4d(data, shape);
};

/**
 * Evaluates a U-Net of tests/fixtures/model and its gradients on the current engine, and compares with diffusers' output
 * and PyTorch's gradients.
 *
 * @param compiled whether each of both is compiled, where the engine can
 */
export const agreementOf = async (name: string, { compiled = false } = {}): Promise<Agreement> => {
  const { unet: config, weights } = await loadPipeline(`${FIXTURES}${name}`);
  const expected = parseSafetensors(await Deno.readFile(`${FIXTURES}${name}.safetensors`));
  const rows = expected.get("x")!.shape[0];
  const { block_out_channels: [size], num_class_embeds: classes } = config;
  const frequencies = { size, freqShift: config.freq_shift, flipSinToCos: config.flip_sin_to_cos };
  const embedding = timestepEmbedding(TIMESTEPS.slice(-rows), frequencies);
  const inputs: UNetInputs = {
    x: upload(expected.get("x")!),
    timesteps: tf.tensor2d(embedding, [rows, size]),
    classes: classes === null ? undefined : tf.tensor2d(oneHot(LABELS, classes), [rows, classes]),
  };
  const cotangent = upload(expected.get("cotangent")!);
  const variables = uploadWeights(weights);
  const names = [...variables.keys()], tensors = [...variables.values()];
  const unet = createUNet(config);
  const evaluate = (inputs: UNetInputs, tensors: tf.Tensor[]) =>
    unet(inputs, new Weights(new Map(names.map((name, i) => [name, tensors[i]]))));
  const differentiate = (inputs: UNetInputs, cotangent: tf.Tensor4D, tensors: tf.Tensor[]) =>
    tf.grads((...tensors: tf.Tensor[]) => tf.sum(tf.mul(evaluate(inputs, tensors), cotangent)))(tensors);
  const run = <Inputs extends unknown[], Outputs extends tf.Tensor | tf.Tensor[]>(
    fn: (...inputs: Inputs) => Outputs,
    ...inputs: Inputs
  ): Outputs => {
    if (!compiled) return tf.tidy(() => fn(...inputs)) as Outputs;
    const network = compile(fn);
    const outputs = network(...inputs);
    network.dispose();
    return outputs;
  };

  const out = run(evaluate, inputs, tensors);
  const gradients = run(differentiate, inputs, cotangent, tensors);
  const agreement = {
    output: relativeError(out.dataSync(), nhwc(expected.get("out")!).data),
    gradients: new Map(names.map((name, i) => {
      const { shape } = gradients[i];
      const stored = toStoredLayout(name, { shape, data: gradients[i].dataSync() as Float32Array<ArrayBuffer> });
      return [name, relativeError(stored.data, expected.get(`gradient.${name}`)!.data)];
    })),
  };
  tf.dispose([out, gradients, inputs.x, inputs.timesteps, inputs.classes ?? [], cotangent, tensors]);
  return agreement;
};
