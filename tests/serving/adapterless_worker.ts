/// <reference lib="deno.worker" />
/** The serving worker, where WebGPU must not be asked for. */
import "../../serving/worker.ts";

navigator.gpu.requestAdapter = () => Promise.reject(new Error("the worker asked for an adapter"));
