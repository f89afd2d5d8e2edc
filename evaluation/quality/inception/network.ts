import * as tf from "@tensorflow/tfjs-core";
import { INCEPTION, type InceptionConv, type Layers, type Pool } from "./architecture.ts";

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
export const inceptionFeatures = (x: tf.Tensor4D, weights: InceptionWeights): tf.Tensor2D =>
  tf.mean(run(x, INCEPTION, weights), [1, 2]);

/** The logits of features without their bias, as Inception Scores are taken of them: [B, 1008]. */
export const unbiasedLogits = (features: tf.Tensor2D, { classes }: InceptionWeights): tf.Tensor2D =>
  tf.matMul(features, classes);
