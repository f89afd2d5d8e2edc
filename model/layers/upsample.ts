import * as tf from "@tensorflow/tfjs-core";

/** Doubles height and width, each pixel repeated 2×2 (nearest neighbour). [B, H, W, C] → [B, 2H, 2W, C]. */
export const upsample = (x: tf.Tensor4D): tf.Tensor4D => {
  const [batch, height, width, channels] = x.shape;
  const row = 2 * width * channels;
  const wide = tf.reshape(tf.concat([x, x], 3), [batch, height, 1, row]);
  return tf.reshape(tf.concat([wide, wide], 2), [batch, 2 * height, 2 * width, channels]);
};
