/// <reference lib="deno.worker" />
/** A Worker that runs one of `codecs` a message. */
import { type CodecAnswer, type CodecCall, codecs } from "./codecs.ts";

const run = async ({ name, args }: CodecCall): Promise<CodecAnswer> => {
  try {
    return { value: await (codecs[name] as (...args: readonly unknown[]) => unknown)(...args) };
  } catch (error) {
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    return { error: { name, message } };
  }
};

self.onmessage = async ({ data }: MessageEvent<CodecCall>) => self.postMessage(await run(data));
