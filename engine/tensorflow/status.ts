import { cString } from "./c_string.ts";
import { readString } from "./memory.ts";
import type { Symbols } from "./symbols.ts";

/** Where TensorFlow's functions report: one TF_Status, looked at after each call that takes it. */
export class Status {
  readonly pointer: Deno.PointerValue;
  readonly #symbols: Symbols;

  constructor(symbols: Symbols) {
    this.#symbols = symbols;
    this.pointer = symbols.TF_NewStatus();
  }

  /** @throws {Error} if the last call failed: what could not be done, and TensorFlow's message */
  check(what: string): void {
    if (this.#symbols.TF_GetCode(this.pointer) === 0) return;
    const message = readString(this.#symbols, this.#symbols.TF_Message(this.pointer))
      .replaceAll(/\{\{function_node [^}]*\}\} ?/g, "");
    this.#symbols.TF_SetStatus(this.pointer, 0, cString(""));
    throw new Error(`Cannot ${what}: ${message}`);
  }

  free(): void {
    this.#symbols.TF_DeleteStatus(this.pointer);
  }
}
