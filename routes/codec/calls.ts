import type { Heap } from "../../serving/heap.ts";
import type { Codecs } from "./codecs.ts";

/** Those that take the bytes over which they are given: they are moved and not copied. */
export const TAKEN_OVER: ReadonlySet<keyof Codecs> = new Set(["parseBody", "decodeReceived", "decodeReceivedMask"]);

/** The memory of all bytes and values in arguments or a result. */
export const bytesIn = (value: unknown): ArrayBuffer[] => {
  const found = new Set<ArrayBuffer>();
  const look = (part: unknown): void => {
    if (ArrayBuffer.isView(part)) found.add(part.buffer as ArrayBuffer);
    else if (part !== null && typeof part === "object") Object.values(part).forEach(look);
  };
  look(value);
  return [...found];
};

/** A message to the worker: a function's name and its arguments. */
export interface CodecCall {
  readonly name: keyof Codecs;
  readonly args: readonly unknown[];
}

/** The worker's answer to a call, and now and then what its heap holds. */
export type CodecAnswer =
  & { readonly heap: Heap | null }
  & ({ readonly value: unknown } | { readonly error: { readonly name: string; readonly message: string } });
