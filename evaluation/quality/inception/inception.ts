import * as tf from "@tensorflow/tfjs-core";
import { createHash } from "node:crypto";
import { compile } from "../../../engine/mod.ts";
import { readTensor } from "../../../engine/read_tensor.ts";
import { bucketOf } from "../../../model/bucket.ts";
import { parseWeights, type StoredTensor } from "../../../model/safetensors.ts";
import { toEngineLayout } from "../../../model/weights.ts";
import { ExtractorError } from "../../error.ts";
import type { FeatureExtractor } from "../feature_extractor.ts";
import {
  convolutionsIn,
  INCEPTION,
  INCEPTION_CLASSES,
  INCEPTION_FEATURES,
  INCEPTION_SIDE as SIDE,
  type InceptionConv,
  inceptionTensors,
  type Layers,
  type Pool,
} from "./architecture.ts";
import { resizeForInception, type ResizeMethod } from "./resize.ts";

/** A convolution's weights with its normalization folded in: HWIO, and a bias a channel. */
export interface FoldedConv {
  readonly filter: tf.Tensor4D;
  readonly bias: tf.Tensor1D;
}

/** The network's weights on the engine. */
export interface InceptionWeights {
  readonly convolutions: Readonly<Record<string, FoldedConv>>;
  /** [2048, 1008] */
  readonly classes: tf.Tensor2D;
}

const convolve = (x: tf.Tensor4D, { name, strides, pad }: InceptionConv, weights: InceptionWeights): tf.Tensor4D =>
  tf.fused.conv2d({ x, ...weights.convolutions[name], strides, pad, activation: "relu" });

const pooled = (x: tf.Tensor4D, { pool, strides }: Pool): tf.Tensor4D => {
  const pad = strides === 2 ? "valid" : "same";
  return pool === "average" ? tf.avgPool(x, 3, strides, pad) : tf.maxPool(x, 3, strides, pad);
};

const run = (x: tf.Tensor4D, layers: Layers, weights: InceptionWeights): tf.Tensor4D =>
  layers.reduce((input, layer) => {
    if ("branches" in layer) return tf.concat(layer.branches.map((branch) => run(input, branch, weights)), 3);
    return "pool" in layer ? pooled(input, layer) : convolve(input, layer, weights);
  }, x);

/**
 * The features of images by InceptionV3 as FID uses it.
 *
 * @param x [B, 299, 299, 3], values (byte − 128) / 128
 * @returns [B, 2048]
 */
const inceptionFeatures = (x: tf.Tensor4D, weights: InceptionWeights): tf.Tensor2D =>
  tf.mean(run(x, INCEPTION, weights), [1, 2]);

/** The logits of features without their bias, as Inception Scores are taken of them: [B, 1008]. */
const unbiasedLogits = (features: tf.Tensor2D, { classes }: InceptionWeights): tf.Tensor2D =>
  tf.matMul(features, classes);

/** What is added to the variance in batch normalization. */
const EPSILON = 1e-3;

/** What tells a person who has another file how to come by this one. */
const CONVERT = "scripts/convert_inception.py makes it of pt_inception-2015-12-05-6726825d.pth";

const checkTensors = (tensors: ReadonlyMap<string, StoredTensor>): void => {
  for (const { name, shape } of inceptionTensors()) {
    const found = tensors.get(name);
    if (!found) throw new ExtractorError(`tensor ${name} is missing; ${CONVERT}`);
    if (`${found.shape}` !== `${shape}`) {
      throw new ExtractorError(`tensor ${name} must have shape [${shape}], received [${found.shape}]; ${CONVERT}`);
    }
  }
};

/**
 * Reads InceptionV3's weights.
 *
 * @returns the tensors by the names of the commonly used file, and the file's SHA-256
 * @throws {ExtractorError} if the file is missing, damaged or another network's
 */
export const readInception = async (
  path: string,
): Promise<{ tensors: ReadonlyMap<string, StoredTensor>; digest: string }> => {
  try {
    const bytes = await Deno.readFile(path);
    const tensors = parseWeights(bytes);
    checkTensors(tensors);
    return { tensors, digest: createHash("sha256").update(bytes).digest("hex") };
  } catch (cause) {
    if (!(cause instanceof Error) || cause instanceof Deno.errors.NotCapable) throw cause;
    const reason = cause instanceof Deno.errors.NotFound ? `there is no such file; ${CONVERT}` : cause.message;
    throw new ExtractorError(`Cannot read ${path}: ${reason}`, { cause });
  }
};

/** Puts the weights on the engine, each convolution's normalization folded into it: γ·(w∗x − μ) / √(σ² + 10⁻³) + β. */
const uploadInception = (tensors: ReadonlyMap<string, StoredTensor>): InceptionWeights => {
  const valuesOf = (name: string) => tensors.get(name)!.data;
  const folded = convolutionsIn(INCEPTION).map(({ name }) => {
    const { shape, data } = tensors.get(`${name}.conv.weight`)!;
    const [gamma, beta, mean, variance] = ["weight", "bias", "running_mean", "running_var"]
      .map((part) => valuesOf(`${name}.bn.${part}`));
    const scale = Float64Array.from(gamma, (value, c) => value / Math.sqrt(variance[c] + EPSILON));
    const bias = Float32Array.from(beta, (value, c) => value - mean[c] * scale[c]);
    const inputs = data.length / shape[0];
    const scaled = data.map((value, i) => value * scale[Math.floor(i / inputs)]);
    const filter = toEngineLayout(name, { shape, data: scaled });
    return [name, {
      filter: tf.tensor4d(filter.data, filter.shape as [number, number, number, number]),
      bias: tf.tensor1d(bias),
    }] as const;
  });
  const classes = toEngineLayout("fc.weight", tensors.get("fc.weight")!);
  return {
    convolutions: Object.fromEntries(folded),
    classes: tf.tensor2d(classes.data, classes.shape as [number, number]),
  };
};

const BATCH = 32;

/** An image as RGB: a gray one three times. */
const grayAsRgb = (image: Uint8Array, channels: number): Uint8Array =>
  channels === 3 ? image : Uint8Array.from({ length: image.length * 3 }, (_, i) => image[Math.floor(i / 3)]);

/** InceptionV3 as an extractor, for images of any size, gray or RGB. */
export const createInceptionExtractor = (
  { tensors, digest }: { tensors: ReadonlyMap<string, StoredTensor>; digest: string },
  { resize }: { resize: ResizeMethod },
): FeatureExtractor => {
  const weights = uploadInception(tensors);
  const network = compile((x: tf.Tensor4D) => inceptionFeatures(x, weights));
  const name = "inception-v3";
  const check: FeatureExtractor["check"] = ({ channels }) => {
    if (channels !== 1 && channels !== 3) {
      throw new ExtractorError(`${name} takes images of 1 or 3 channels, received ${channels}`);
    }
  };
  const imageLength = SIDE * SIDE * 3;
  return {
    name,
    digest: `${digest} ${resize}`,
    featureCount: INCEPTION_FEATURES,
    classes: INCEPTION_CLASSES,
    resize: `${resize} to ${SIDE}×${SIDE}`,
    batch: BATCH,
    check,
    extract: ({ data, ...extent }) => {
      check(extent);
      const size = extent.height * extent.width * extent.channels;
      const n = data.length / size, rows = bucketOf(n);
      const x = new Float32Array(rows * imageLength);
      for (let i = 0; i < n; i++) {
        const image = grayAsRgb(data.subarray(i * size, (i + 1) * size), extent.channels);
        resizeForInception(image, extent, resize, x.subarray(i * imageLength, (i + 1) * imageLength));
      }
      for (let i = 0; i < x.length; i++) x[i] = (x[i] - 128) / 128;
      const features = tf.tidy(() => network(tf.tensor4d(x, [rows, SIDE, SIDE, 3])).dataSync()) as Float32Array<
        ArrayBuffer
      >;
      return features.slice(0, n * INCEPTION_FEATURES);
    },
    classify: (features) =>
      readTensor(() => {
        const rows = tf.tensor2d(features, [features.length / INCEPTION_FEATURES, INCEPTION_FEATURES]);
        return unbiasedLogits(rows, weights);
      }),
    [Symbol.dispose]: () => {
      network.dispose();
      tf.dispose([
        weights.classes,
        ...Object.values(weights.convolutions).flatMap(({ filter, bias }) => [filter, bias]),
      ]);
    },
  };
};
