/**
 * jax-js's side of the comparison, in a process of its own; contender.ts has the protocol.
 *
 *     deno run … bench/network/jax_js.ts FOLDER
 */
import { blockUntilReady, defaultDevice, jit, nn, numpy as np, tree } from "@jax-js/jax";
import { architectureOf, type Layer } from "../../model/architecture.ts";
import { loadPipeline, type Pipeline } from "../../model/pipeline.ts";
import { timestepEmbedding } from "../../model/unet.ts";
import { sampleShape, type UNetConfig } from "../../model/unet_config.ts";
import { toEngineLayout } from "../../model/weights.ts";
import { answerRequests, normalImages } from "./answer.ts";

/** Zeros before and after an axis. */
export type Padding = [before: number, after: number];

const take = (x: np.Array, axis: number, index: [number, number] | number): np.Array =>
  x.slice(...x.shape.map((_, i) => i === axis ? index : [] as []));

/** Each place of an axis with its neighbours beside it in the channels: [.., n, .., C] → [.., n / stride, .., 3C]. */
const neighbours = (x: np.Array, axis: number, stride: number, [before, after]: Padding): np.Array => {
  const steps = Math.floor((x.shape[axis] + before + after - 3) / stride) + 1;
  const padded = np.pad(x, { [axis]: [before, after + stride - 1] });
  const taps = [0, 1, 2].map((first) => {
    const run = take(padded.ref, axis, [first, first + steps * stride]);
    return stride === 1 ? run : take(run.reshape(run.shape.toSpliced(axis, 1, steps, stride)), axis + 1, 0);
  });
  padded.dispose();
  return np.concatenate(taps, 3);
};

/**
 * What a 3×3 convolution reads at each place, to be multiplied by a matrix: [B, H, W, C] → [B, H / stride, W / stride,
 * 9C]. jax-js's own `lax.convGeneralDilated` takes several times as long; bench/README.md has the figures.
 */
const patches = (x: np.Array, stride: number, padding: Padding): np.Array =>
  neighbours(neighbours(x, 2, stride, padding), 1, stride, padding);

/** Group normalization of [B, H, W, C]; model/layers.ts has its reasons. */
const groupNormInJax = (x: np.Array, scale: np.Array, shift: np.Array, groups: number, eps: number): np.Array => {
  const [batch, height, width, channels] = x.shape;
  const ofGroups = (means: np.Array) => {
    const grouped = np.mean(means.reshape([batch, groups, channels / groups]), 2, { keepdims: true });
    return np.repeat(grouped, channels / groups, 2).reshape([batch, 1, channels]);
  };
  const pixels = x.reshape([batch, height * width, channels]);
  const centred = pixels.ref.sub(ofGroups(np.mean(pixels, 1)));
  const variance = ofGroups(np.mean(np.square(centred.ref), 1));
  const factor = np.reciprocal(np.sqrt(variance.add(eps))).mul(scale);
  return centred.mul(factor).add(shift).reshape([batch, height, width, channels]);
};

/** By diffusers' names: matrices [in, out], convolutions [height·width·in, out]. */
type Parameters = Record<string, np.Array>;

/** What it is, for the record. */
const DESCRIPTION = `jax-js 0.1.25, ${defaultDevice()}, ${navigator.hardwareConcurrency} threads, jit`;

/** A compiled call holds all that it makes until it ends, which for 16 CIFAR-10 rows is more than wasm's 4 GiB. */
const MOST_ROWS = 4;

const checkSupported = (config: UNetConfig): void => {
  if (
    config.num_class_embeds !== null || config.resnet_time_scale_shift !== "default" || config.center_input_sample ||
    config.mid_block_scale_factor !== 1
  ) throw new Error("the network on jax-js has no classes, no scale and shift by time, and no scaled input or blocks");
};

/** The network of `createJaxUNet` in model/unet.ts. Every use of an array takes a reference (`ref`) of it. */
const forwardOf = (config: UNetConfig) => {
  const architecture = architectureOf(config);

  return (parameters: Parameters, x: np.Array, timesteps: np.Array): np.Array => {
    const w = (name: string) => parameters[name].ref;
    const dense = (x: np.Array, name: string) => np.matmul(x, w(`${name}.weight`)).add(w(`${name}.bias`));
    const norm = (x: np.Array, name: string, groups: number = config.norm_num_groups) =>
      groupNormInJax(x, w(`${name}.weight`), w(`${name}.bias`), groups, config.norm_eps);
    const conv = (x: np.Array, name: string, stride = 1, padding: Padding = [1, 1]) => {
      const read = patches(x, stride, padding);
      const [batch, height, width, size] = read.shape;
      return dense(read.reshape([batch * height * width, size]), name).reshape([batch, height, width, -1]);
    };

    const embedding = nn.silu(dense(nn.silu(dense(timesteps, "time_embedding.linear_1")), "time_embedding.linear_2"));

    const residual = (x: np.Array, name: string) => {
      const time = dense(embedding.ref, `${name}.time_emb_proj`);
      const h = conv(nn.silu(norm(x.ref, `${name}.norm1`)), `${name}.conv1`);
      const timed = h.add(time.reshape([time.shape[0], 1, 1, time.shape[1]]));
      const out = conv(nn.silu(norm(timed, `${name}.norm2`)), `${name}.conv2`);
      return out.add(`${name}.conv_shortcut.weight` in parameters ? dense(x, `${name}.conv_shortcut`) : x);
    };
    const attend = (x: np.Array, name: string, groups: number) => {
      const [batch, height, width, channels] = x.shape;
      const headDim = config.attention_head_dim ?? channels;
      const pixels = norm(x.ref, `${name}.group_norm`, groups).reshape([batch * height * width, channels]);
      const [query, key, value] = ["to_q", "to_k", "to_v"].map((part) =>
        dense(pixels.ref, `${name}.${part}`).reshape([batch, height * width, channels / headDim, headDim])
      );
      pixels.dispose();
      const mixed = nn.dotProductAttention(query, key, value).reshape([batch * height * width, channels]);
      return dense(mixed, `${name}.to_out.0`).reshape(x.shape).add(x);
    };
    const layer = (x: np.Array, { resnet, attention, attentionGroups }: Layer) =>
      attention === null ? residual(x, resnet) : attend(residual(x, resnet), attention, attentionGroups!);

    // In.
    let h = conv(x, "conv_in");

    // Down.
    const skips = [h.ref];
    for (const { layers, resample } of architecture.down) {
      for (const at of layers) skips.push((h = layer(h, at)).ref);
      if (resample) skips.push((h = conv(h, resample, 2, config.downsample_padding === 0 ? [0, 1] : [1, 1])).ref);
    }

    // Middle.
    for (const at of architecture.mid) h = layer(h, at);

    // Up.
    for (const { layers, resample } of architecture.up) {
      for (const at of layers) h = layer(np.concatenate([h, skips.pop()!], 3), at);
      if (resample) h = conv(np.repeat(np.repeat(h, 2, 1), 2, 2), resample);
    }
    embedding.dispose();

    // Out.
    return conv(nn.silu(norm(h, "conv_norm_out")), "conv_out");
  };
};

/**
 * Builds ε_θ on jax-js (https://github.com/ekzhang/jax-js), compiled by its `jit`.
 *
 * @returns a function of n images, NHWC, and n timesteps
 * @throws {Error} if the network has what is left out here
 */
const createJaxUNet = async ({ unet: config, weights }: Pipeline) => {
  checkSupported(config);
  const parameters: Parameters = Object.fromEntries(Array.from(weights, ([name, stored]) => {
    const { shape, data } = toEngineLayout(name, stored);
    return [name, np.array(data).reshape(shape.length === 4 ? [-1, shape[3]] : [...shape])];
  }));
  await blockUntilReady(parameters);
  const forward = jit(forwardOf(config));
  const [height, width] = sampleShape(config);
  const size = config.block_out_channels[0];
  const embedding = { size, freqShift: config.freq_shift, flipSinToCos: config.flip_sin_to_cos };

  const evaluate = async (x: Float32Array, timesteps: Int32Array) => {
    const rows = timesteps.length;
    const out = forward(
      tree.ref(parameters),
      np.array(x as Float32Array<ArrayBuffer>).reshape([rows, height, width, config.in_channels]),
      np.array(timestepEmbedding(timesteps, embedding)).reshape([rows, size]),
    );
    return await out.data() as Float32Array;
  };

  return async (x: Float32Array, timesteps: Int32Array): Promise<Float32Array> => {
    const n = timesteps.length, values = x.length / n;
    const parts: Float32Array[] = [];
    for (let i = 0; i < n; i += MOST_ROWS) {
      parts.push(await evaluate(x.slice(i * values, (i + MOST_ROWS) * values), timesteps.slice(i, i + MOST_ROWS)));
    }
    const out = new Float32Array(n * height * width * config.out_channels);
    parts.forEach((part, i) => out.set(part, i * parts[0].length));
    return out;
  };
};

const pipeline = await loadPipeline(Deno.args[0]);
const evaluate = await createJaxUNet(pipeline);
const [height, width] = sampleShape(pipeline.unet);
await answerRequests(DESCRIPTION, {
  prepare: (rows) => {
    const x = normalImages(rows, height * width * pipeline.unet.in_channels),
      timesteps = new Int32Array(rows).fill(500);
    return () => evaluate(x, timesteps);
  },
  evaluate: (x, timestep) => evaluate(x, Int32Array.of(timestep)),
});
