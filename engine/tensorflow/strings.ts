import { addressOf, readBytes, toPointer } from "./memory.ts";
import type { Symbols } from "./symbols.ts";

/** Size of a TF_TString. */
export const STRING_BYTES = 24;

const stringsAt = (symbols: Symbols, data: Deno.PointerValue, count: number): Deno.PointerValue[] => {
  const address = addressOf(symbols, data);
  return Array.from({ length: count }, (_, i) => toPointer(symbols, address + BigInt(i * STRING_BYTES)));
};

/** Makes strings in a tensor's fresh memory. */
export const writeStrings = (symbols: Symbols, data: Deno.PointerValue, values: readonly Uint8Array[]): void =>
  stringsAt(symbols, data, values.length).forEach((string, i) => {
    symbols.TF_StringInit(string);
    symbols.TF_StringCopy(string, values[i] as Uint8Array<ArrayBuffer>, BigInt(values[i].length));
  });

/** Frees what the strings hold: TensorFlow does not, for memory that we allocated. */
export const freeStrings = (symbols: Symbols, data: Deno.PointerValue, count: number): void =>
  stringsAt(symbols, data, count).forEach((string) => symbols.TF_StringDealloc(string));

/** Copies a tensor's strings. */
export const readStrings = (symbols: Symbols, data: Deno.PointerValue, count: number): Uint8Array[] =>
  stringsAt(symbols, data, count).map((string) =>
    readBytes(symbols, symbols.TF_StringGetDataPointer(string), Number(symbols.TF_StringGetSize(string)))
  );
