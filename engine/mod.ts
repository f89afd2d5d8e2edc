import type { Engine, EngineName } from "./engine.ts";
import { EngineError } from "./error.ts";
import { registerGradients } from "./gradients.ts";
import { findLibrary } from "./tensorflow/library.ts";

export * from "./compile.ts";
export * from "./engine.ts";
export * from "./error.ts";

const openBest = async (): Promise<Engine> => {
  if (findLibrary() !== null) {
    try {
      return await open("tensorflow");
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      console.warn(`${error.message}; taking wasm`);
    }
  }
  return await open("wasm");
};

const open = async (name: EngineName | "auto"): Promise<Engine> => {
  switch (name) {
    case "auto":
      return await openBest();
    case "tensorflow":
      return await (await import("./tensorflow/mod.ts")).openTensorflow();
    case "wasm":
      return await (await import("./wasm/mod.ts")).openWasm();
    case "cpu":
      return await (await import("./cpu/mod.ts")).openCpu();
    default:
      throw new RangeError(`engine must be auto, tensorflow, wasm or cpu, received ${name satisfies never}`);
  }
};

/**
 * Opens an engine and makes it tfjs's current backend.
 *
 * @param name `auto` takes the best engine that this machine has: TensorFlow where its library is found, else wasm
 * @throws {EngineError} if TensorFlow is asked for by name and cannot start here, with the reason
 * @throws {Error} if another engine cannot start here, with the reason
 */
export const openEngine = async (name: EngineName | "auto" = "auto"): Promise<Engine> => {
  const engine = await open(name);
  registerGradients();
  return engine;
};
