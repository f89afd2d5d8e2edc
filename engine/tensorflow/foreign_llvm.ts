import { EngineError } from "../error.ts";
import { cString } from "./c_string.ts";
import type { BaseSymbols } from "./symbols.ts";

const RTLD_NOW = 2, RTLD_NOLOAD = 4;

/** Releases of LLVM that graphics drivers may be linked with. */
const RELEASES = Array.from({ length: 40 }, (_, i) => 10 + i);
const FILES = RELEASES.flatMap((n) => [`libLLVM.so.${n}.1`, `libLLVM-${n}.so.1`, `libLLVM-${n}.so`]);

/**
 * Refuses XLA in a process into which something else has loaded LLVM, as graphics drivers do (Mesa's lavapipe, radv):
 * XLA's compiler, which is LLVM too, crashes there. It is looked for on Linux, by the names that it has there.
 *
 * @throws {EngineError} if it is there
 */
export const refuseForeignLlvm = ({ dlopen }: BaseSymbols): void => {
  if (Deno.build.os !== "linux" || !dlopen) return;
  const found = FILES.find((file) => dlopen(cString(file), RTLD_NOW | RTLD_NOLOAD) !== null);
  if (found === undefined) return;
  throw new EngineError(
    `Cannot compile with XLA: a graphics driver has loaded ${found} into this process, in which XLA would crash; ` +
      "leave XLA off, or let this process not ask for WebGPU",
  );
};
