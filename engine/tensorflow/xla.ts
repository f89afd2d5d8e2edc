import { dirname, join } from "@std/path";
import { createHash } from "node:crypto";
import { EngineError } from "../engine.ts";
import { type BaseSymbols, cString, DLOPEN, readBytes } from "./c_api.ts";
import { INSTALL_FOLDER } from "./find_library.ts";
import { isGranted } from "../permissions.ts";
import { isOlderThan, type Library } from "./library.ts";

/** The environment variable with TensorFlow's settings for XLA, which it reads once. */
export const XLA_VARIABLE = "TF_XLA_FLAGS";

/** Where compiled functions are kept: a folder for each TensorFlow and processor. It may be deleted at any time. */
const XLA_CACHE_FOLDER = join(INSTALL_FOLDER, "xla-cache");

/** The oldest version that was seen to keep and to load on processors; 2.10 crashes as it keeps one. */
const OLDEST = [2, 21] as const;

/** glibc keeps what cpuid answers in leaves, each with four words as they are and four of what is in use. */
const LEAVES = 9, WORDS_BYTES = 16;

/** A text that differs between processors whose instructions differ; `null` if that is unknown. */
const processorKey = (symbols: BaseSymbols): string | null => {
  const hash = createHash("sha256");
  for (let leaf = 0; leaf < LEAVES; leaf++) {
    const words = symbols.processorFeatures?.(leaf) ?? null;
    if (words === null) return null;
    hash.update(readBytes(symbols, words, 2 * WORDS_BYTES).subarray(WORDS_BYTES));
  }
  return hash.digest("hex").slice(0, 12);
};

const EXISTS = 0, WRITABLE = 2;

/** Whether files can be made in a folder, which may have to be made itself. TensorFlow fails where they cannot. */
const isWritable = ({ access }: BaseSymbols, folder: string): boolean => {
  if (!access) return false;
  let deepest = folder;
  while (deepest !== INSTALL_FOLDER && access(cString(deepest), EXISTS) !== 0) deepest = dirname(deepest);
  return access(cString(`${deepest}/.`), WRITABLE) === 0;
};

/**
 * Has TensorFlow keep what XLA compiles, below {@linkcode XLA_CACHE_FOLDER}, so that the next start need not compile it
 * again. It must be called before a context is opened. Nothing is kept where `TF_XLA_FLAGS` may not be set or says where
 * itself, where that folder's parent is missing or may not be written, before TensorFlow 2.21, and where the processor
 * cannot be told (elsewhere than on x86-64 with glibc 2.33 or newer): what was compiled for another could crash.
 */
export const enableXlaCache = ({ symbols, version }: Library): void => {
  const variable = XLA_VARIABLE;
  if (isOlderThan(version, OLDEST) || !isGranted({ name: "env", variable })) return;
  const flags = Deno.env.get(variable) ?? "";
  const namesFile = flags !== "" && !flags.startsWith("-");
  if (namesFile || flags.includes("tf_xla_persistent_cache_directory")) return;
  const processor = processorKey(symbols);
  if (processor === null) return;
  const folder = join(XLA_CACHE_FOLDER, `${version}-${processor}`);
  if (!isWritable(symbols, folder)) return;
  Deno.env.set(variable, `${flags} --tf_xla_persistent_cache_directory=${folder}`.trimStart());
};

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
  const found = FILES.find((file) => dlopen(cString(file), DLOPEN.now | DLOPEN.noLoad) !== null);
  if (found === undefined) return;
  throw new EngineError(
    `Cannot compile with XLA: a graphics driver has loaded ${found} into this process, in which XLA would crash; ` +
      "leave XLA off, or let this process not ask for WebGPU",
  );
};
