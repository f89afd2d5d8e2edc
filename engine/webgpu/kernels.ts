import * as tf from "@tensorflow/tfjs-core";
import { registerAddN } from "./add_n.ts";
import { registerBatchMatMul } from "./batch_mat_mul.ts";

let prepared = false;

/** Mends the kernels of tfjs's WebGPU backend, and has them give a row the same bits in every batch. */
export const prepareKernels = (): void => {
  if (prepared) return;
  prepared = true;
  // tfjs registers a backend of its own, on whatever adapter comes first.
  tf.removeBackend("webgpu");
  // Kernels of small inputs would run on the processor until those are uploaded.
  tf.env().set("WEBGPU_CPU_FORWARD", false);
  // Products of few tiles would be summed in other orders, and in none that is fixed where there are atomic sums.
  tf.env().set("WEBGPU_THRESHOLD_TO_INCREASE_WORKGROUPS_FOR_MATMUL", Number.MIN_VALUE);
  registerAddN();
  registerBatchMatMul();
};
