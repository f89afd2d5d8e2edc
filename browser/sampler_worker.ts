/** The sampling Worker of a page: tfjs's wasm is its engine, and its models are given to it in memory. */
import { setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import { openWasm } from "../engine/wasm/mod.ts";
import { loadPipeline } from "../model/pipeline.ts";
import { answerMessages } from "../serving/answer_messages.ts";
import { type MemoryFiles, memoryReader } from "./memory_files.ts";

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
    setWasmPaths({ "tfjs-backend-wasm-simd.wasm": simd });
    return await openWasm();
  },
  loadPipeline: (folder) => loadPipeline(folder, { reader: memoryReader(given as MemoryFiles) }),
  createMailbox: () => ({ receive: () => {}, pause: createPause() }),
  heap: () => null,
}));
