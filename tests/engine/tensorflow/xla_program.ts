/**
 * Compiles with XLA, in a process of its own: XLA crashes in one that has asked for WebGPU where a driver brings LLVM.
 * Prints what it found as JSON.
 *
 *     deno run … xla_program.ts agree | agree-backwards | measure | after-webgpu
 */
import { fromFileUrl } from "@std/path";
import * as tf from "@tensorflow/tfjs-core";
import { fillNormal } from "../../../core/noise.ts";
import { registerGradients } from "../../../engine/gradients.ts";
import { compile } from "../../../engine/mod.ts";
import { openTensorflow } from "../../../engine/tensorflow/mod.ts";
import { requestAdapter } from "../../../engine/webgpu/adapter.ts";
import { createDenoiser } from "../../../model/denoiser.ts";
import { loadPipeline } from "../../../model/pipeline.ts";
import { relativeError } from "../relative_error.ts";

const MODEL = fromFileUrl(new URL("../../fixtures/tiny-model", import.meta.url));

const values = (shape: number[], sample: number) => {
  const data = new Float32Array(shape.reduce((product, n) => product * n, 1));
  fillNormal(data, { seed: 1, sample, step: 0 });
  return tf.tensor(data, shape);
};

const engine = await openTensorflow({ xla: "on" });
registerGradients();

/** A convolution, a norm and a product, with their gradients. */
const layer = (x: tf.Tensor4D, filter: tf.Tensor4D) => {
  const value = (x: tf.Tensor4D, filter: tf.Tensor4D) => {
    const y = tf.fused.conv2d({ x, filter, strides: 1, pad: "same" });
    const normed = tf.sub(y, tf.mean(y, [1, 2], true));
    return tf.sum(tf.square(tf.mul(normed, tf.erf(x)))) as tf.Scalar;
  };
  const { value: loss, grads } = tf.valueAndGrads(value as (...inputs: tf.Tensor[]) => tf.Scalar)([x, filter]);
  return { loss, grads };
};
const inputs = () => [values([2, 8, 8, 4], 1), values([3, 3, 4, 4], 2)] as [tf.Tensor4D, tf.Tensor4D];

const worst = (actual: ReturnType<typeof layer>, expected: ReturnType<typeof layer>) => {
  const list = ({ loss, grads }: ReturnType<typeof layer>) => [loss, ...grads].map((tensor) => tensor.dataSync());
  return Math.max(...list(actual).map((tensor, i) => relativeError(tensor, list(expected)[i])));
};

const gradients = () => worst(compile(layer, { xla: true })(...inputs()), layer(...inputs()));

const network = async () => {
  const pipeline = await loadPipeline(MODEL);
  const [xla, plain] = [true, false].map((xla) => createDenoiser({ ...engine, xla }, pipeline));
  const { height, width, channels, numClasses } = xla;
  const x = new Float32Array(height * width * channels);
  fillNormal(x, { seed: 1, sample: 3, step: 0 });
  const epsilon = ({ evaluate }: typeof xla) => evaluate(x, [500], numClasses === null ? null : [0]);
  return relativeError(epsilon(xla), epsilon(plain));
};

const measure = () => {
  let traces = 0;
  const before = engine.context.live.functions;
  const measured = compile((x: tf.Tensor4D, filter: tf.Tensor4D) => {
    traces++;
    return layer(x, filter);
  }, { xla: "measured" });
  const call = () => ({
    difference: worst(measured(...inputs()), layer(...inputs())),
    traces,
    functions: engine.context.live.functions - before,
  });
  const calls = [call(), call()];
  measured.dispose();
  return { calls, left: engine.context.live.functions - before };
};

const afterWebgpu = async () => {
  const adapter = await requestAdapter({ software: true });
  const refusal = (() => {
    try {
      return gradients();
    } catch (error) {
      return (error as Error).message;
    }
  })();
  return { adapter: adapter !== null, refusal, measured: measure() };
};

const [what] = Deno.args;
const found = await (async () => {
  if (what === "agree") return { gradients: gradients(), network: await network() };
  if (what === "agree-backwards") return { network: await network(), gradients: gradients() };
  return what === "measure" ? measure() : await afterWebgpu();
})();
console.log(JSON.stringify({ ...found, xla: engine.xla }));
