import * as tf from "@tensorflow/tfjs-core";

/** What a backend has that makes random numbers itself. */
interface Randomizer {
  uniform(shape: readonly number[], key: tf.Tensor1D, counter: tf.Tensor1D): tf.Tensor;
}

/** Whether {@linkcode counterUniform} works on the engine that is open. */
export const hasCounterUniform = (): boolean =>
  typeof (tf.backend() as unknown as Partial<Randomizer>).uniform === "function";

/**
 * Uniform numbers in [0, 1), float32, that are a function of a key and a counter, as nothing else that is random may be in
 * a compiled function. Philox 4x32-10 makes them (Salmon et al. 2011): element e is word e mod 4 of the counter plus
 * ⌊e / 4⌋, its lowest 23 bits divided by 2²³; where XLA compiles, it may deal the words out in another order.
 *
 * @param key int32 [2], the lowest word first
 * @param counter int32 [4], the lowest word first
 */
export const counterUniform = (shape: readonly number[], key: tf.Tensor1D, counter: tf.Tensor1D): tf.Tensor =>
  (tf.backend() as unknown as Randomizer).uniform(shape, key, counter);
