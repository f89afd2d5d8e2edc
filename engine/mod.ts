import type { Engine, EngineName } from "./engine.ts";
import { registerGradients } from "./gradients.ts";

export * from "./engine.ts";

/**
 * Opens an engine and makes it tfjs's current backend.
 *
 * @param name `auto` takes the best engine that this machine has
 * @throws {Error} if the engine cannot start here, with the reason
 */
export const openEngine = async (name: EngineName | "auto" = "auto"): Promise<Engine> => {
  registerGradients();
  switch (name) {
    case "auto":
    case "wasm":
      return (await import("./wasm/mod.ts")).openWasm();
    case "cpu":
      return (await import("./cpu/mod.ts")).openCpu();
    default:
      throw new RangeError(`engine must be auto, wasm or cpu, received ${name satisfies never}`);
  }
};
