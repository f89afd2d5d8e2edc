import * as tf from "@tensorflow/tfjs-core";
import { type Engine, EngineError } from "../engine.ts";
import { describeAdapter, isSoftware, requestAdapter } from "./adapter.ts";

/** Options of the WebGPU engine. */
export interface WebgpuOptions {
  /** Takes an adapter that computes on the processor, and no other. @default false */
  readonly software?: boolean;
}

type Name = "webgpu" | "webgpu-software";

/** What tfjs's kernels can use more of than WebGPU grants unasked. */
const LIMITS = [
  "maxComputeWorkgroupStorageSize",
  "maxComputeWorkgroupsPerDimension",
  "maxStorageBufferBindingSize",
  "maxBufferSize",
  "maxComputeWorkgroupSizeX",
  "maxComputeInvocationsPerWorkgroup",
] as const;

const chooseAdapter = async (name: Name): Promise<GPUAdapter> => {
  const software = name === "webgpu-software";
  const adapter = await requestAdapter({ software });
  if (adapter === null) {
    throw new EngineError(`Cannot start ${name}: no adapter was found; its drivers for Vulkan, Metal or Direct3D lack`);
  }
  const found = describeAdapter(adapter.info);
  if (software && !isSoftware(adapter.info)) {
    throw new EngineError(`Cannot start ${name}: there is no software adapter beside ${found}`);
  }
  if (!software && isSoftware(adapter.info)) {
    throw new EngineError(
      `Cannot start ${name}: only a software adapter is there: ${found}; --engine webgpu-software uses it`,
    );
  }
  return adapter;
};

const start = async (name: Name): Promise<Engine> => {
  const adapter = await chooseAdapter(name);
  const requiredLimits = Object.fromEntries(LIMITS.map((limit) => [limit, adapter.limits[limit]]));
  const device = await adapter.requestDevice({ requiredLimits }).catch((error) => {
    throw new EngineError(`Cannot start ${name} on ${describeAdapter(adapter.info)}: ${error.message}`);
  });
  const [{ DenoWebgpuBackend }, { prepareKernels }] = await Promise.all([
    import("./backend.ts"),
    import("./kernels.ts"),
  ]);
  prepareKernels();
  if (name !== "webgpu") tf.copyRegisteredKernels("webgpu", name);
  tf.registerBackend(name, () => new DenoWebgpuBackend(device, adapter.info));
  return { name, version: tf.version_core, device: describeAdapter(adapter.info) };
};

const opened: Partial<Record<Name, Engine>> = {};

/**
 * Opens tfjs's WebGPU backend on Deno's own WebGPU.
 *
 * @throws {EngineError} if there is no adapter of the kind asked for
 */
export const openWebgpu = async ({ software = false }: WebgpuOptions = {}): Promise<Engine> => {
  const name = software ? "webgpu-software" : "webgpu";
  const engine = opened[name] ??= await start(name);
  await tf.setBackend(name);
  return engine;
};
