import * as tf from "@tensorflow/tfjs-core";
import { conv, linear, silu } from "../../../model/layers.ts";
import { type ClassifierConfig, convolutionsOf } from "./config.ts";

/** A network's parameters on the engine, by name: convolutions are HWIO, linear layers [in, out]. */
export type Tensors = Readonly<Record<string, tf.Tensor>>;

const layer = (x: tf.Tensor2D, name: string, tensors: Tensors): tf.Tensor2D =>
  linear(x, tensors[`${name}.weight`] as tf.Tensor2D, tensors[`${name}.bias`] as tf.Tensor1D);

/**
 * The features of images, by a small convolutional network: 3×3 convolutions with SiLU, of which every second halves the
 * image, then a linear layer with SiLU. That has no dead units, so that no feature is constant.
 *
 * @param x [B, H, W, C] in [−1, 1]
 * @returns [B, features]
 */
export const featuresOf = (x: tf.Tensor4D, tensors: Tensors, config: ClassifierConfig): tf.Tensor2D => {
  const last = convolutionsOf(config).reduce((image, { name, strides }) => {
    const [weight, bias] = [tensors[`${name}.weight`] as tf.Tensor4D, tensors[`${name}.bias`] as tf.Tensor1D];
    return silu(conv(image, weight, bias, { strides, padding: 1 }));
  }, x);
  return silu(layer(tf.reshape(last, [x.shape[0], -1]) as tf.Tensor2D, "features", tensors));
};

/** The logits of features, [B, classes]: a linear layer. */
export const logitsOf = (features: tf.Tensor2D, tensors: Tensors): tf.Tensor2D => layer(features, "classes", tensors);
