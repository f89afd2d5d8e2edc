/**
 * Engines: where tensors live and operations run. TensorFlow's library through FFI, WebGPU, wasm and plain JavaScript,
 * each a backend of tfjs, of which `auto` opens the best that the machine has. It knows nothing of diffusion, models or
 * images.
 *
 * Read `engine.ts` first, then `best.ts`, which chooses, and `compile.ts`, which makes one function of many operations;
 * each engine has a folder or file of its name.
 *
 * @module
 */
import { type BestOptions, openBest } from "./best.ts";
import { type Engine, EngineError, type EngineName, ENGINES, type XlaChoice } from "./engine.ts";
import { registerGradients } from "./gradients.ts";

export * from "./compile.ts";
export * from "./engine.ts";

/** Options of {@linkcode openEngine}. */
export interface OpenEngineOptions {
  /** TensorFlow's library, or a folder that holds it, in place of one that is looked for. `auto` then takes it alone. */
  readonly tensorflow?: string;
  /** Whether XLA is to compile functions, which TensorFlow alone can. `auto` then takes it, where this is `on`. */
  readonly xla?: XlaChoice;
  /** Whether WebGPU reaches a graphics card, for a Worker that is to be terminated: see {@linkcode openBest}. */
  readonly hasGpu?: BestOptions["hasGpu"];
}

const open = async (
  name: EngineName | "auto",
  { library, xla, hasGpu }: { library?: string; xla: XlaChoice; hasGpu?: BestOptions["hasGpu"] },
): Promise<Engine> => {
  if (library !== undefined && name !== "auto" && name !== "tensorflow") {
    throw new EngineError(`tensorflow must be left out with the engine ${name}, received ${JSON.stringify(library)}`);
  }
  switch (name) {
    case "auto":
      return (await openBest({ tensorflow: library, xla, hasGpu })).engine;
    case "onnx":
      return await (await import("./onnx/mod.ts")).openOnnx();
    case "tensorflow":
      return await (await import("./tensorflow/mod.ts")).openTensorflow({ library, xla });
    case "webgpu":
      return await (await import("./webgpu/mod.ts")).openWebgpu();
    case "webgpu-software":
      return await (await import("./webgpu/mod.ts")).openWebgpu({ software: true });
    case "wasm":
      return await (await import("./wasm/mod.ts")).openWasm();
    case "cpu":
      return await (await import("./cpu.ts")).openCpu();
    default:
      throw new RangeError(`engine must be auto or one of ${ENGINES.join(", ")}, received ${name satisfies never}`);
  }
};

/**
 * Opens an engine and makes it tfjs's current backend.
 *
 * @param name `auto` takes the first that this machine has: TensorFlow on a graphics card, WebGPU on one, TensorFlow on
 * the processor, wasm
 * @throws {EngineError} if TensorFlow or WebGPU is asked for by name and cannot start here, with the reason; if a library
 * is named for an engine that has none, or XLA asked for on one that has not
 * @throws {Error} if another engine cannot start here, with the reason
 */
export const openEngine = async (
  name: EngineName | "auto" = "auto",
  { tensorflow, xla = "off", hasGpu }: OpenEngineOptions = {},
): Promise<Engine> => {
  const engine = await open(name, { library: tensorflow, xla, hasGpu });
  if (xla === "on" && engine.name !== "tensorflow") {
    throw new EngineError(`xla must be auto or off with the engine ${engine.name}, received "on"`);
  }
  registerGradients();
  return engine;
};
