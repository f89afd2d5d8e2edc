import * as tf from "@tensorflow/tfjs-core";

/**
 * The values of a tensor that is computed in between, which is then freed. (An array that is handed out of `tf.tidy` is
 * searched for tensors, element by element: a microsecond each.)
 */
export const readTensor = (compute: () => tf.Tensor): Float32Array<ArrayBuffer> => {
  const tensor = tf.tidy(compute);
  try {
    return tensor.dataSync() as Float32Array<ArrayBuffer>;
  } finally {
    tensor.dispose();
  }
};
