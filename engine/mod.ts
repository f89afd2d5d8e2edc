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
import { type Engine, EngineError, type EngineName, ENGINES } from "./engine.ts";
import { registerGradients } from "./gradients.ts";

export * from "./compile.ts";
export * from "./engine.ts";

/** What a person may say of an engine beside its name. */
export type EngineOptions = Pick<BestOptions, "tensorflow" | "xla" | "device" | "threads">;

/** Options of {@linkcode openEngine}. */
export type OpenEngineOptions = EngineOptions & Pick<BestOptions, "trains" | "hasGpu">;

/** Which of a person's options belongs to which engines, beside `auto`. */
const OWNERS: Readonly<Record<keyof EngineOptions, readonly EngineName[]>> = {
  tensorflow: ["tensorflow"],
  xla: ["tensorflow"],
  device: ["onnx"],
  threads: ["onnx", "tensorflow"],
};

const NEUTRAL: readonly unknown[] = [undefined, "auto", "off"];

const checkOptions = (name: EngineName | "auto", options: OpenEngineOptions): void => {
  if (name === "auto") return;
  for (const [key, owners] of Object.entries(OWNERS)) {
    const value = options[key as keyof EngineOptions];
    if (NEUTRAL.includes(value) || owners.includes(name)) continue;
    const allowed = { xla: "auto or off", device: "auto" }[key] ?? "left out";
    throw new EngineError(`${key} must be ${allowed} with the engine ${name}, received ${JSON.stringify(value)}`);
  }
};

const open = async (
  name: EngineName | "auto",
  { tensorflow, xla = "off", device, threads, trains, hasGpu }: OpenEngineOptions,
): Promise<Engine> => {
  switch (name) {
    case "auto":
      return (await openBest({ tensorflow, xla, device, threads, trains, hasGpu })).engine;
    case "onnx":
      return await (await import("./onnx/mod.ts")).openOnnx({ device, threads, hasGpu });
    case "tensorflow":
      return await (await import("./tensorflow/mod.ts")).openTensorflow({ library: tensorflow, xla, threads });
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
 * @param name `auto` takes the best that this machine has for the purpose: see {@linkcode openBest}
 * @throws {EngineError} if an engine, a library or a device is asked for by name and cannot start here, with the reason;
 * if an option is given that the engine has not
 * @throws {Error} if another engine cannot start here, with the reason
 */
export const openEngine = async (
  name: EngineName | "auto" = "auto",
  options: OpenEngineOptions = {},
): Promise<Engine> => {
  checkOptions(name, options);
  const engine = await open(name, options);
  registerGradients();
  return engine;
};
