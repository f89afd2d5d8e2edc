import * as tf from "@tensorflow/tfjs-core";

/** Adam's constants, as the paper's code leaves them. */
const BETA1 = 0.9, BETA2 = 0.999, EPSILON = 1e-8;

/** One parameter after an update. */
export interface Updated {
  readonly weight: tf.Tensor;
  readonly firstMoment: tf.Tensor;
  readonly secondMoment: tf.Tensor;
}

/**
 * One step of Adam (Kingma & Ba 2015, algorithm 1), with the bias corrections gathered into the two scalars, as
 * PyTorch does it.
 *
 * @param step number of this update, counted from 1
 */
export const adam = (
  weight: tf.Tensor,
  gradient: tf.Tensor,
  firstMoment: tf.Tensor,
  secondMoment: tf.Tensor,
  { learningRate, step }: { learningRate: number; step: number },
): Updated => {
  const first = tf.add(tf.mul(firstMoment, BETA1), tf.mul(gradient, 1 - BETA1));
  const second = tf.add(tf.mul(secondMoment, BETA2), tf.mul(tf.square(gradient), 1 - BETA2));
  const denominator = tf.add(tf.mul(tf.sqrt(second), 1 / Math.sqrt(1 - BETA2 ** step)), EPSILON);
  const update = tf.mul(tf.div(first, denominator), learningRate / (1 - BETA1 ** step));
  return { weight: tf.sub(weight, update), firstMoment: first, secondMoment: second };
};
