import * as tf from "@tensorflow/tfjs-core";

const withGradient = tf.customGrad((x, save) => {
  const input = x as tf.Tensor;
  const gate = tf.sigmoid(input);
  const y = tf.mul(input, gate);
  (save as tf.GradSaveFunc)([gate, y]);
  return {
    value: y,
    // y' = s + y·(1 − s)
    gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
      const [gate, y] = saved;
      return tf.mul(dy, tf.add(gate, tf.sub(y, tf.mul(y, gate))));
    },
  };
});

/** SiLU, x · sigmoid(x) (also called swish), of any shape. */
export const silu = <T extends tf.Tensor>(x: T): T => withGradient(x) as T;
