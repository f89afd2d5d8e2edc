import * as tf from "@tensorflow/tfjs-core";

/** A function of tensors, and the shapes of what it takes. */
export interface Subject {
  compute: (...inputs: tf.Tensor[]) => tf.Tensor;
  shapes: number[][];
}

const STEP = 1 / 16;

/** Σ cotangent·f(inputs), the sum in float64. */
const loss = ({ compute, shapes }: Subject, inputs: Float32Array[], cotangent: Float32Array): number =>
  tf.tidy(() => {
    const out = compute(...inputs.map((values, k) => tf.tensor(values, shapes[k]))).dataSync() as Float32Array;
    return out.reduce((sum, value, i) => sum + value * cotangent[i], 0);
  });

/**
 * The slope of Σ cotangent·f at `inputs` along `direction`: central differences at two steps, combined so that the error
 * grows with step⁴ (Richardson). The step can then be so large that float32's rounding, 6e-8 of the output, divided by
 * it stays near 1e-6.
 */
export const slopeAlong = (
  subject: Subject,
  inputs: Float32Array[],
  cotangent: Float32Array,
  direction: Float32Array[],
): number => {
  const at = (h: number) =>
    loss(subject, inputs.map((values, k) => values.map((value, i) => value + h * direction[k][i])), cotangent);
  const slope = (h: number) => (at(h) - at(-h)) / (2 * h);
  return (4 * slope(STEP) - slope(2 * STEP)) / 3;
};

/** The slope along each element of each input. */
export const slopes = (subject: Subject, inputs: Float32Array[], cotangent: Float32Array): Float64Array[] =>
  inputs.map((input, k) =>
    Float64Array.from(input, (_, i) => {
      const direction = inputs.map((values) => new Float32Array(values.length));
      direction[k][i] = 1;
      return slopeAlong(subject, inputs, cotangent, direction);
    })
  );

/** The gradients of Σ cotangent·f by every input, as tfjs finds them. */
export const gradientsOf = ({ compute, shapes }: Subject, inputs: Float32Array[], cotangent: Float32Array) =>
  tf.tidy(() =>
    tf.grads((...tensors) => {
      const out = compute(...tensors);
      return tf.sum(tf.mul(out, tf.tensor(cotangent, out.shape)));
    })(inputs.map((values, k) => tf.tensor(values, shapes[k])))
      .map((gradient) => ({ shape: gradient.shape, values: gradient.dataSync() as Float32Array }))
  );
