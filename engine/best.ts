import { type Engine, EngineError, type XlaChoice } from "./engine.ts";
import { findLibrary } from "./tensorflow/find_library.ts";
import type { TensorflowEngine } from "./tensorflow/mod.ts";
import { hasGpu as findGpu } from "./webgpu/adapter.ts";

/** An engine that was chosen, and why. */
export interface EngineChoice {
  readonly engine: Engine;
  /** For people to read, as the end of a sentence. */
  readonly why: string;
}

const openFoundTensorflow = async (xla: XlaChoice): Promise<TensorflowEngine | null> =>
  findLibrary() === null ? null : await (await import("./tensorflow/mod.ts")).openTensorflow({ xla });

/** Options of {@linkcode openBest}. */
export interface BestOptions {
  /** TensorFlow's library, or a folder that holds it: taken, whatever else is there. */
  readonly tensorflow?: string;
  /** Whether XLA is to compile functions; `on` takes TensorFlow, wherever it computes. */
  readonly xla?: XlaChoice;
  /**
   * Whether WebGPU reaches a graphics card; called once TensorFlow has none. By default this thread finds out, which
   * a Worker that is to be terminated had better leave to another.
   */
  readonly hasGpu?: () => Promise<boolean>;
  /** Receives, in one line each, why an engine that is there cannot be used. */
  readonly warn?: (line: string) => void;
}

/**
 * Opens the best engine that this machine has: TensorFlow on a graphics card, WebGPU on one, TensorFlow on the
 * processor, wasm.
 *
 * @throws {EngineError} if TensorFlow's library is named and cannot be used
 */
export const openBest = async (
  { tensorflow: library, xla = "off", hasGpu = findGpu, warn = console.warn }: BestOptions = {},
): Promise<EngineChoice> => {
  if (library !== undefined) {
    const { openTensorflow } = await import("./tensorflow/mod.ts");
    return { engine: await openTensorflow({ library, xla }), why: "its library was named" };
  }
  const tryOpen = async <T extends Engine>(open: () => Promise<T | null>): Promise<T | null> => {
    try {
      return await open();
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      warn(`${error.message}; taking the next engine`);
      return null;
    }
  };

  // TensorFlow before WebGPU: where a Vulkan driver has loaded an LLVM, TensorFlow's own crashes at its start.
  const tensorflow = await tryOpen(() => openFoundTensorflow(xla));
  if (tensorflow?.context.devices.some(({ kind }) => kind === "GPU")) {
    return { engine: tensorflow, why: "it computes on a graphics card" };
  }
  // A driver's LLVM is one in which XLA crashes, whenever it comes: no other engine is asked for.
  if (tensorflow && xla === "on") return { engine: tensorflow, why: "it alone has XLA" };
  const webgpu = await tryOpen(async () =>
    await hasGpu() ? await (await import("./webgpu/mod.ts")).openWebgpu() : null
  );
  if (webgpu) return { engine: webgpu, why: "it computes on a graphics card, for which there is no TensorFlow" };
  if (tensorflow) {
    const { openTensorflow } = await import("./tensorflow/mod.ts");
    return { engine: await openTensorflow({ xla }), why: "no graphics card is there" };
  }
  const { openWasm } = await import("./wasm/mod.ts");
  return { engine: await openWasm(), why: "neither a graphics card nor TensorFlow is there" };
};
