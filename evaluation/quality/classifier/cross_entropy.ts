import * as tf from "@tensorflow/tfjs-core";

const withGradient = tf.customGrad((logits, targets, save) => {
  const [x, wanted] = [logits as tf.Tensor2D, targets as tf.Tensor2D];
  const shifted = tf.sub(x, tf.max(x, 1, true));
  const exponentials = tf.exp(shifted);
  const sums = tf.sum(exponentials, 1, true);
  (save as tf.GradSaveFunc)([tf.sub(tf.div(exponentials, sums), wanted)]);
  const value = tf.sub(tf.log(tf.squeeze(sums, [1])), tf.sum(tf.mul(wanted, shifted), 1));
  return {
    value,
    gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => [tf.mul(tf.expandDims(dy, 1), saved[0]), tf.zerosLike(wanted)],
  };
});

/**
 * Cross-entropy of each row, −log softmax(logits) of its class, for logits of any size.
 *
 * @param targets rows of zeros with a one, [B, classes]
 * @returns [B]
 */
export const crossEntropy = (logits: tf.Tensor2D, targets: tf.Tensor2D): tf.Tensor1D =>
  withGradient(logits, targets) as tf.Tensor1D;
