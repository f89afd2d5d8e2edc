import * as tf from "@tensorflow/tfjs-core";
import { describeProcessor, type Engine, EngineError, ONNX_DEVICES, type OnnxDevice } from "../engine.ts";
import { hasGpu as findGpu } from "../webgpu/adapter.ts";
import { OnnxBackend, type OpenSession, registerKernels } from "./backend.ts";
import { preloadCuda } from "./cuda.ts";
import { OnnxGraph } from "./graph.ts";
import { loadRuntime, openSession, type Runtime } from "./session.ts";

/** Options of the ONNX engine. */
export interface OnnxOptions {
  /** `auto` takes CUDA where its libraries and a card are, WebGPU where it reaches a card, else the processor. */
  readonly device?: OnnxDevice | "auto";
  /** Threads of the processor; as many as it runs at once if not given. */
  readonly threads?: number;
  /** Whether WebGPU reaches a graphics card; this thread finds out if not given. */
  readonly hasGpu?: () => Promise<boolean>;
}

/** Runs the least of graphs on a device. @throws {EngineError} if it is not there, with the reason */
const tryDevice = (runtime: Runtime, device: OnnxDevice): void => {
  const graph = new OnnxGraph();
  const x = graph.input("x", [1], "float32");
  const model = graph.encode({ y: graph.node("Neg", [x], x) });
  const session = openSession(runtime, model, { device, threads: 1 });
  session.run({ x: { values: Float32Array.of(1), shape: [1], type: "float32" } });
  session.dispose();
};

const checkDevice = async (
  runtime: Runtime,
  device: OnnxDevice,
  { hasGpu, noCuda }: { hasGpu: () => Promise<boolean>; noCuda: string | null },
): Promise<void> => {
  if (!runtime.devices.includes(device)) {
    throw new EngineError(
      `Cannot start onnx: device must be one of ${runtime.devices.join(", ")} on ${Deno.build.os}, received ${device}`,
    );
  }
  if (noCuda !== null) throw new EngineError(`Cannot start onnx on ${device}: ${noCuda}`);
  if (device === "webgpu" && !await hasGpu()) {
    throw new EngineError(
      "Cannot start onnx on webgpu: no graphics card is there; --device webgpu-software computes as one would",
    );
  }
  tryDevice(runtime, device);
};

const chooseDevice = async (
  runtime: Runtime,
  { hasGpu, noCuda }: { hasGpu: () => Promise<boolean>; noCuda: string | null },
): Promise<OnnxDevice> => {
  if (noCuda === null && runtime.devices.includes("cuda")) {
    try {
      tryDevice(runtime, "cuda");
      return "cuda";
    } catch (error) {
      // A card is there, and does not compute.
      if (!(error instanceof EngineError)) throw error;
    }
  }
  return runtime.devices.includes("webgpu") && await hasGpu() ? "webgpu" : "cpu";
};

const DEVICES: Readonly<Record<Exclude<OnnxDevice, "cpu">, string>> = {
  webgpu: "GPU (WebGPU)",
  "webgpu-software": "WebGPU in software",
  cuda: "GPU (CUDA)",
  tensorrt: "GPU (TensorRT)",
  directml: "GPU (DirectML)",
  coreml: "CoreML",
};

/**
 * Opens ONNX Runtime under the operations of tfjs: a compiled function is one graph, for any number of rows.
 *
 * @throws {EngineError} if its library does not load, or the device is not there
 */
export const openOnnx = async (
  { device = "auto", threads = navigator.hardwareConcurrency, hasGpu = findGpu }: OnnxOptions = {},
): Promise<Engine> => {
  // Before the runtime, which it brings with it.
  const noCuda = ["auto", "cuda", "tensorrt"].includes(device) ? preloadCuda() : null;
  const runtime = await loadRuntime();
  const chosen = device === "auto" ? await chooseDevice(runtime, { hasGpu, noCuda }) : device;
  if (device !== "auto" && device !== "cpu") await checkDevice(runtime, chosen, { hasGpu, noCuda });
  const name = `onnx ${chosen} ${threads}`;
  if (!tf.engine().registryFactory[name]) {
    registerKernels(name);
    const open: OpenSession = (model, { isSmall }) =>
      openSession(runtime, model, { device: chosen, threads: isSmall ? 1 : threads });
    tf.registerBackend(name, () => new OnnxBackend(open));
  }
  await tf.setBackend(name);
  return {
    name: "onnx",
    version: runtime.version,
    device: chosen === "cpu" ? describeProcessor(threads) : DEVICES[chosen],
    isGpu: chosen !== "cpu" && chosen !== "webgpu-software",
    compilesFor: "any rows",
    providers: ONNX_DEVICES.filter((device) => runtime.devices.includes(device) && device !== "webgpu-software"),
  };
};
