import "@tensorflow/tfjs-backend-wasm";
import * as tf from "@tensorflow/tfjs-core";
import type { Engine } from "../engine.ts";
import { registerWasmKernels } from "./kernels.ts";

let registered = false;

/**
 * Opens tfjs's WebAssembly backend (XNNPACK, SIMD, one thread) with the kernels it lacks for training, or has only in
 * a slow form, registered in terms of its fast ones.
 *
 * @throws {Error} if WebAssembly cannot start, which names the permission that is lacking
 */
export const openWasm = async (): Promise<Engine> => {
  if (!await tf.setBackend("wasm")) {
    throw new Error("Cannot start the wasm engine: its module did not load (reading node_modules must be allowed)");
  }
  await tf.ready();
  if (!registered) {
    registerWasmKernels();
    registered = true;
  }
  const simd = await tf.env().getAsync("WASM_HAS_SIMD_SUPPORT");
  return {
    name: "wasm",
    version: tf.version_core,
    device: simd ? "WebAssembly SIMD, 1 thread" : "WebAssembly, 1 thread",
  };
};
