/** Work on bytes that would hold up the thread that answers requests. */
import type { Heap } from "../../serving/heap.ts";
import { parseBody } from "../input/parse_body.ts";
import { decodeReceived, decodeReceivedMask } from "./decode.ts";
import { encodeArchive, encodeArray, encodeEach, encodeFilm, encodePicture } from "./encode.ts";

/** All of it by name. */
export const codecs = {
  parseBody,
  decodeReceived,
  decodeReceivedMask,
  encodeArchive,
  encodeArray,
  encodeEach,
  encodeFilm,
  encodePicture,
};

/** The functions that a codec's worker can run. */
export type Codecs = typeof codecs;

/** A message to the worker: a function's name and its arguments. */
export interface CodecCall {
  readonly name: keyof Codecs;
  readonly args: readonly unknown[];
}

/** The worker's answer to a call, and now and then what its heap holds. */
export type CodecAnswer =
  & { readonly heap: Heap | null }
  & ({ readonly value: unknown } | { readonly error: { readonly name: string; readonly message: string } });
