import * as tf from "@tensorflow/tfjs-core";

/** Norm of all gradients together, √Σ‖g‖². */
export const globalNorm = (gradients: readonly tf.Tensor[]): tf.Tensor =>
  tf.sqrt(tf.addN(gradients.map((gradient) => tf.sum(tf.square(gradient)))));

/** The factor that brings gradients of norm `norm` down to `max`, or 1 where they are shorter (as PyTorch clips). */
export const clipScale = (norm: tf.Tensor, max: number | tf.Tensor): tf.Tensor =>
  tf.minimum(tf.div(max, tf.add(norm, 1e-6)), 1);
