import * as tf from "@tensorflow/tfjs-core";

/** Operations that tfjs has no name for, and a backend may have as one kernel; none of them has a gradient. */
export type OwnKernel = "GroupNorm" | "UpsampleNearest";

/**
 * Runs an operation by the kernel that the backend has for it.
 *
 * @returns `null` if it has none, or a gradient is being recorded: the operation is then to be put together of tfjs's own
 */
export const runOwnKernel = <T extends tf.Tensor>(
  name: OwnKernel,
  inputs: Record<string, tf.Tensor>,
  attributes: Record<string, number> = {},
): T | null => {
  if (tf.engine().isTapeOn() || !tf.getKernel(name, tf.getBackend())) return null;
  return tf.engine().runKernel(name, inputs, attributes) as T;
};
