/// <reference lib="deno.worker" />
/** A Worker that runs one of `codecs` a message. */
import { createHeapReader } from "../../serving/heap.ts";
import { bytesIn, type CodecAnswer, type CodecCall, codecs } from "./codecs.ts";

const heap = createHeapReader();

const run = async ({ name, args }: CodecCall): Promise<CodecAnswer> => {
  try {
    const value = await (codecs[name] as (...args: readonly unknown[]) => unknown)(...args);
    return { value, heap: heap() };
  } catch (error) {
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    return { error: { name, message }, heap: heap() };
  }
};

self.onmessage = async ({ data }: MessageEvent<CodecCall>) => {
  const answer = await run(data);
  self.postMessage(answer, "value" in answer ? bytesIn(answer.value) : []);
};
