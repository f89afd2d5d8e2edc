/** The sampling Worker of a page: tfjs's wasm is its engine, and its models are given to it in memory. */
import { setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import { env } from "@tensorflow/tfjs-core";
import { EngineError } from "../engine/engine.ts";
import { openWasm } from "../engine/wasm/mod.ts";
import { loadPipeline } from "../model/pipeline.ts";
import { answerMessages } from "../serving/answer_messages.ts";
import { type MemoryFiles, memoryReader } from "./memory_files.ts";

/** tfjs's builds for processors of more or less; it wants to be told of all, and takes the one that it may. */
const BUILDS = ["", "-simd", "-threaded-simd"] as const;

/** Lets messages through, and is not held back where the page is out of sight, as timers are. */
const createPause = (): () => Promise<void> => {
  const { port1, port2 } = new MessageChannel();
  let resume = () => {};
  port1.onmessage = () => resume();
  return () =>
    new Promise((resolve) => {
      resume = resolve;
      port2.postMessage(null);
    });
};

answerMessages((given) => ({
  openEngine: async () => {
    const simd = import.meta.resolve("@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm");
    if (!await env().getAsync("WASM_HAS_SIMD_SUPPORT")) throw new EngineError("its WebAssembly lacks SIMD");
    // Threads would need headers that isolate the page, and give other bits.
    env().set("WASM_HAS_MULTITHREAD_SUPPORT", false);
    setWasmPaths(Object.fromEntries(BUILDS.map((build) => [`tfjs-backend-wasm${build}.wasm`, simd])));
    return await openWasm();
  },
  loadPipeline: (folder) => loadPipeline(folder, { reader: memoryReader(given as MemoryFiles) }),
  createMailbox: () => ({ receive: () => {}, pause: createPause() }),
  heap: () => null,
}));
