import { dirname, join } from "@std/path";
import { type Engine, EngineError, type OnnxDevice, type XlaChoice } from "./engine.ts";
import { mayLoadRuntime } from "./onnx/session.ts";
import { findLibrary, INSTALL_FOLDER } from "./tensorflow/find_library.ts";
import { hasGpu as findGpu } from "./webgpu/adapter.ts";

/** An engine that was chosen, and why. */
export interface EngineChoice {
  readonly engine: Engine;
  /** For people to read, as the end of a sentence. */
  readonly why: string;
}

/** Options of {@linkcode openBest}. */
export interface BestOptions {
  /** TensorFlow's library, or a folder that holds it: taken, whatever else is there. */
  readonly tensorflow?: string;
  /** Whether XLA is to compile functions; `on` takes TensorFlow, wherever it computes. */
  readonly xla?: XlaChoice;
  /** What ONNX Runtime is to compute on; any but `auto` takes it, whatever else is there. */
  readonly device?: OnnxDevice | "auto";
  /** Threads of the processor; as many as it runs at once if not given. */
  readonly threads?: number;
  /** Whether the network is to be trained, which ONNX Runtime is not taken for. */
  readonly trains?: boolean;
  /**
   * Whether WebGPU reaches a graphics card; called once neither TensorFlow nor CUDA has one. By default this thread
   * finds out, which a Worker that is to be terminated had better leave to another.
   */
  readonly hasGpu?: () => Promise<boolean>;
  /** Receives, in one line each, why an engine that is there cannot be used. */
  readonly warn?: (line: string) => void;
}

/** Whether a TensorFlow may be one for graphics cards: of those that were installed here, one with CUDA's packages. */
const mayUseGpu = (library: string): boolean => {
  if (!library.startsWith(INSTALL_FOLDER)) return true;
  try {
    return Deno.statSync(join(dirname(dirname(library)), "nvidia")).isDirectory;
  } catch {
    return false;
  }
};

/**
 * Opens the best engine that this machine has. To draw: TensorFlow on a graphics card, ONNX Runtime on one by CUDA,
 * WebGPU on one, ONNX Runtime on the processor, TensorFlow there, wasm. To train: the same without ONNX Runtime.
 *
 * @throws {EngineError} if TensorFlow's library, or a device of ONNX Runtime, is named and cannot be used
 */
export const openBest = async (
  { tensorflow: library, xla = "off", device = "auto", threads, trains = false, hasGpu = findGpu, warn = console.warn }:
    BestOptions = {},
): Promise<EngineChoice> => {
  const openTensorflow = async (library?: string) =>
    await (await import("./tensorflow/mod.ts")).openTensorflow({ library, xla, threads });
  const openOnnx = async (device: OnnxDevice | "auto", hasGpu: () => Promise<boolean>) =>
    await (await import("./onnx/mod.ts")).openOnnx({ device, threads, hasGpu });
  if (library !== undefined) return { engine: await openTensorflow(library), why: "its library was named" };
  if (device !== "auto") return { engine: await openOnnx(device, hasGpu), why: "its device was named" };

  const attempt = async <T>(open: () => T | null): Promise<Awaited<T> | null> => {
    try {
      return await open();
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      warn(`${error.message}; taking the next engine`);
      return null;
    }
  };

  const found = await attempt(findLibrary);
  const first = found !== null && (trains || xla === "on" || mayUseGpu(found)) ? await attempt(openTensorflow) : null;
  if (first?.isGpu) return { engine: first, why: "it computes on a graphics card" };
  if (first && xla === "on") return { engine: first, why: "it alone has XLA" };

  const none = () => Promise.resolve(false);
  const onnx = !trains && mayLoadRuntime() ? await attempt(() => openOnnx("auto", none)) : null;
  if (onnx?.isGpu) return { engine: onnx, why: "it computes on a graphics card" };
  // Before WebGPU: where a Vulkan driver has loaded an LLVM, TensorFlow's own crashes, at its start or in XLA.
  const tensorflow = first ?? (found !== null && onnx === null ? await attempt(openTensorflow) : null);
  const webgpu = await attempt(async () =>
    await hasGpu() ? await (await import("./webgpu/mod.ts")).openWebgpu() : null
  );
  if (webgpu) return { engine: webgpu, why: "it computes on a graphics card, for which there is no CUDA" };

  // Opened anew to be the current one, which another may be by now.
  if (onnx) return { engine: await openOnnx("cpu", none), why: "no graphics card is there" };
  if (tensorflow) return { engine: await openTensorflow(), why: "no graphics card is there" };
  const { openWasm } = await import("./wasm/mod.ts");
  return { engine: await openWasm(), why: "nothing better is there" };
};
