import * as tf from "@tensorflow/tfjs-core";
import { type Engine, EngineError } from "../engine.ts";
import type { OpenSession } from "./backend.ts";
import { loadRuntime, type OnnxDevice, openSession } from "./session.ts";

/** Options of the ONNX engine. */
export interface OnnxOptions {
  readonly device?: OnnxDevice;
  /** Threads of the processor; as many as it runs at once if not given. */
  readonly threads?: number;
}

/** Opens ONNX Runtime. */
export const openOnnx = async (
  { device = "cpu", threads = navigator.hardwareConcurrency }: OnnxOptions = {},
): Promise<Engine> => {
  const runtime = await loadRuntime();
  if (!runtime.devices.includes(device)) {
    throw new EngineError(`Cannot start onnx: device must be one of ${runtime.devices.join(", ")}, received ${device}`);
  }
  const { OnnxBackend, registerKernels } = await import("./backend.ts");
  const name = `onnx ${device} ${threads}`;
  if (!tf.engine().registryFactory[name]) {
    registerKernels(name);
    const open: OpenSession = (model, { isSmall }) =>
      openSession(runtime, model, { device, threads: isSmall ? 1 : threads });
    tf.registerBackend(name, () => new OnnxBackend(open));
  }
  await tf.setBackend(name);
  const unit = device === "cpu" ? `CPU, ${threads} ${threads === 1 ? "thread" : "threads"}` : device;
  return { name: "onnx", version: runtime.version, device: unit };
};
