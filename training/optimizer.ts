import * as tf from "@tensorflow/tfjs-core";

/** Norm of all gradients together, √Σ‖g‖². */
export const globalNorm = (gradients: readonly tf.Tensor[]): tf.Tensor =>
  tf.sqrt(tf.addN(gradients.map((gradient) => tf.sum(tf.square(gradient)))));

/** The factor that brings gradients of norm `norm` down to `max`, or 1 where they are shorter (as PyTorch clips). */
export const clipScale = (norm: tf.Tensor, max: number | tf.Tensor): tf.Tensor =>
  tf.minimum(tf.div(max, tf.add(norm, 1e-6)), 1);

/** Adam's constants, as the paper's code leaves them. */
const BETA1 = 0.9, BETA2 = 0.999, EPSILON = 1e-8;

/** One parameter after an update. */
export interface AdamUpdate {
  readonly weight: tf.Tensor;
  readonly firstMoment: tf.Tensor;
  readonly secondMoment: tf.Tensor;
}

/** What of an update depends on its number: the learning rate and the second moment's scale, bias-corrected. */
export interface AdamScalars<Scalar = number> {
  readonly rate: Scalar;
  readonly secondScale: Scalar;
}

/**
 * Adam's bias corrections (Kingma & Ba 2015, algorithm 1), gathered into two scalars as PyTorch does it.
 *
 * @param step number of this update, counted from 1
 */
export const adamScalars = ({ learningRate, step }: { learningRate: number; step: number }): AdamScalars => ({
  rate: learningRate / (1 - BETA1 ** step),
  secondScale: 1 / Math.sqrt(1 - BETA2 ** step),
});

/** One step of Adam (Kingma & Ba 2015, algorithm 1). */
export const adam = (
  weight: tf.Tensor,
  gradient: tf.Tensor,
  firstMoment: tf.Tensor,
  secondMoment: tf.Tensor,
  { rate, secondScale }: AdamScalars<number | tf.Tensor>,
): AdamUpdate => {
  const first = tf.add(tf.mul(firstMoment, BETA1), tf.mul(gradient, 1 - BETA1));
  const second = tf.add(tf.mul(secondMoment, BETA2), tf.mul(tf.square(gradient), 1 - BETA2));
  const denominator = tf.add(tf.mul(tf.sqrt(second), secondScale), EPSILON);
  const update = tf.mul(tf.div(first, denominator), rate);
  return { weight: tf.sub(weight, update), firstMoment: first, secondMoment: second };
};
