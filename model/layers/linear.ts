import * as tf from "@tensorflow/tfjs-core";

/** Linear layer: x·W + b over the last axis. `x` is [rows, in], `weight` [in, out], `bias` [out]. */
export const linear = (x: tf.Tensor2D, weight: tf.Tensor2D, bias: tf.Tensor1D): tf.Tensor2D =>
  tf.add(tf.matMul(x, weight), bias);
