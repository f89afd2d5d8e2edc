/// <reference lib="deno.worker" />
import type { Heap } from "../../serving/heap.ts";
import { bytesIn, type CodecAnswer, type CodecCall } from "./calls.ts";
import { codecs } from "./codecs.ts";

const run = async ({ name, args }: CodecCall, heap: () => Heap | null): Promise<CodecAnswer> => {
  try {
    const value = await (codecs[name] as (...args: readonly unknown[]) => unknown)(...args);
    return { value, heap: heap() };
  } catch (error) {
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    return { error: { name, message }, heap: heap() };
  }
};

/**
 * Has this Worker run one of `codecs` a message.
 *
 * @param heap what the thread's heap holds, now and then; null in between, or where nothing tells
 */
export const answerCodecCalls = (heap: () => Heap | null): void => {
  self.onmessage = async ({ data }: MessageEvent<CodecCall>) => {
    const answer = await run(data, heap);
    self.postMessage(answer, "value" in answer ? bytesIn(answer.value) : []);
  };
};
