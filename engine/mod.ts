import { type Engine, type EngineName, ENGINES } from "./engine.ts";
import { EngineError } from "./error.ts";
import { registerGradients } from "./gradients.ts";
import { findLibrary } from "./tensorflow/library.ts";
import { hasGpu } from "./webgpu/adapter.ts";

export * from "./compile.ts";
export * from "./engine.ts";
export * from "./error.ts";

/** The engine, or `null` with a warning where it cannot start. */
const tryOpen = async <T extends Engine>(open: () => Promise<T>): Promise<T | null> => {
  try {
    return await open();
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    console.warn(`${error.message}; taking the next engine`);
    return null;
  }
};

const openBest = async (): Promise<Engine> => {
  // TensorFlow before WebGPU: where a Vulkan driver has loaded an LLVM, TensorFlow's own crashes at its start.
  const isFound = findLibrary() !== null;
  const tensorflow = isFound ? await tryOpen((await import("./tensorflow/mod.ts")).openTensorflow) : null;
  if (tensorflow?.context.devices.some(({ kind }) => kind === "GPU")) return tensorflow;
  return (await hasGpu() ? await tryOpen(() => open("webgpu")) : null) ?? tensorflow ?? await open("wasm");
};

const open = async (name: EngineName | "auto"): Promise<Engine> => {
  switch (name) {
    case "auto":
      return await openBest();
    case "tensorflow":
      return await (await import("./tensorflow/mod.ts")).openTensorflow();
    case "webgpu":
      return await (await import("./webgpu/mod.ts")).openWebgpu();
    case "webgpu-software":
      return await (await import("./webgpu/mod.ts")).openWebgpu({ software: true });
    case "wasm":
      return await (await import("./wasm/mod.ts")).openWasm();
    case "cpu":
      return await (await import("./cpu/mod.ts")).openCpu();
    default:
      throw new RangeError(`engine must be auto or one of ${ENGINES.join(", ")}, received ${name satisfies never}`);
  }
};

/**
 * Opens an engine and makes it tfjs's current backend.
 *
 * @param name `auto` takes the first that this machine has: TensorFlow on a graphics card, WebGPU on one, TensorFlow on
 * the processor, wasm
 * @throws {EngineError} if TensorFlow or WebGPU is asked for by name and cannot start here, with the reason
 * @throws {Error} if another engine cannot start here, with the reason
 */
export const openEngine = async (name: EngineName | "auto" = "auto"): Promise<Engine> => {
  const engine = await open(name);
  registerGradients();
  return engine;
};
