/// <reference lib="deno.worker" />
/** A Worker that runs one of `codecs` a message. */
import { createHeapReader } from "../../serving/heap.ts";
import { type CodecAnswer, type CodecCall, codecs } from "./codecs.ts";

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

/** The memory of a result, which moves to who asked for it. */
const memoryOf = (value: unknown): ArrayBuffer[] => {
  if (ArrayBuffer.isView(value)) return [value.buffer as ArrayBuffer];
  return Array.isArray(value) ? value.flatMap(memoryOf) : [];
};

self.onmessage = async ({ data }: MessageEvent<CodecCall>) => {
  const answer = await run(data);
  const moved = "value" in answer ? memoryOf((answer.value as { fields?: unknown }).fields ?? answer.value) : [];
  self.postMessage(answer, [...new Set(moved)]);
};
