import type { BaseSymbols } from "./symbols.ts";

/*
 * C's own functions move the bytes: Deno.UnsafePointer and its view ask for --allow-ffi of everything, where a library's
 * functions need it for that library alone.
 */

const NOTHING = new Uint8Array(0);

/** The pointer to an address. */
export const toPointer = ({ toPointer }: BaseSymbols, address: bigint): Deno.PointerValue =>
  toPointer(address, NOTHING, 0n);

/** The address that a pointer holds. */
export const addressOf = ({ addressOf }: BaseSymbols, pointer: Deno.PointerValue): bigint =>
  addressOf(pointer, NOTHING, 0n);

/** Copies bytes from C's memory. */
export const readBytes = (
  { readMemory }: BaseSymbols,
  from: Deno.PointerValue,
  length: number,
): Uint8Array<ArrayBuffer> => {
  const bytes = new Uint8Array(length);
  if (length > 0) readMemory(bytes, from, BigInt(length));
  return bytes;
};

/** Copies bytes into C's memory. */
export const writeBytes = ({ writeMemory }: BaseSymbols, to: Deno.PointerValue, bytes: Uint8Array): void => {
  if (bytes.length > 0) writeMemory(to, bytes as Uint8Array<ArrayBuffer>, BigInt(bytes.length));
};

/** Copies a C string; the empty string where there is none. */
export const readString = (symbols: BaseSymbols, from: Deno.PointerValue): string =>
  from === null ? "" : new TextDecoder().decode(readBytes(symbols, from, Number(symbols.strlen(from))));
