import { EngineError } from "../engine.ts";
import { BASE_SYMBOLS, type BaseSymbols, cString, DLOPEN, readString, SYMBOLS, type Symbols } from "./c_api.ts";
import { libraryAt } from "./find_library.ts";
import { isGranted } from "../permissions.ts";

/** ELF's e_machine of the processors that Deno runs on. */
const MACHINES: Record<number, string> = { 0x3e: "x86_64", 0xb7: "aarch64", 0x03: "x86", 0x28: "arm", 0xf3: "riscv64" };

/** The processor that an ELF library is built for; `null` for any other file, or one that cannot be read. */
const processorOf = (path: string): string | null => {
  try {
    using file = Deno.openSync(path);
    const header = new Uint8Array(20);
    if (file.readSync(header) !== header.length) return null;
    const view = new DataView(header.buffer);
    if (view.getUint32(0) !== 0x7f454c46) return null;
    const machine = view.getUint16(18, true);
    return MACHINES[machine] ?? `processor ${machine}`;
  } catch {
    return null;
  }
};

/** The environment variable that says how much TensorFlow tells on stderr. */
export const LOG_VARIABLE = "TF_CPP_MIN_LOG_LEVEL";

/** The environment variable that says whether TensorFlow computes by oneDNN on a processor. */
export const ONEDNN_VARIABLE = "TF_ENABLE_ONEDNN_OPTS";

/** Oldest version with all that is called here. */
const OLDEST = [2, 9] as const;

/** Whether a version is older than another, as TensorFlow writes its own: "2.21.0". */
export const isOlderThan = (version: string, [major, minor]: readonly [major: number, minor: number]): boolean => {
  const [ownMajor, ownMinor] = version.split(".").map(Number);
  return ownMajor < major || (ownMajor === major && ownMinor < minor);
};

/** TensorFlow, opened. */
export interface Library {
  readonly symbols: Symbols;
  readonly path: string;
  readonly version: string;
}

const whyNot = (path: string, error: unknown): string => {
  const machine = processorOf(path);
  if (machine !== null && machine !== Deno.build.arch) {
    return `it is built for ${machine}, and this machine is ${Deno.build.arch}`;
  }
  const [message] = (error instanceof Error ? error.message : String(error)).split("\n");
  const missing = /^Failed to register symbol (\w+)/.exec(message);
  return missing ? `it lacks the function ${missing[1]}` : message;
};

const open = <S extends Deno.ForeignLibraryInterface>(path: string, symbols: S): Deno.DynamicLibrary<S> => {
  try {
    return Deno.dlopen(path, symbols);
  } catch (error) {
    throw new EngineError(`Cannot open TensorFlow at ${path}: ${whyNot(path, error)}`, { cause: error });
  }
};

/**
 * TensorFlow tells every start what the processor can do, on stderr; only warnings should be seen. With XLA not even
 * errors, which are thrown as well: it writes some for each function that it finds in its cache, and goes on.
 *
 * One line comes all the same from versions that log by Abseil (2.21 does): that oneDNN is on. A static initializer of
 * libtensorflow_framework writes it while the library loads, before another one reads this variable.
 */
const quieten = (xla: boolean): void => {
  const variable = LOG_VARIABLE;
  if (isGranted({ name: "env", variable }) && !Deno.env.get(variable)) {
    Deno.env.set(variable, xla ? "3" : "1");
  }
};

/**
 * Has TensorFlow compute by oneDNN on every processor, unless the environment says otherwise. By itself it does so with
 * AVX-512's newer instructions alone; its other kernels give an image other bits at each place of each size of a batch.
 */
const useOneDnn = (): void => {
  const variable = ONEDNN_VARIABLE;
  if (isGranted({ name: "env", variable }) && !Deno.env.get(variable)) Deno.env.set(variable, "1");
};

/** Keeps the library loaded to the end: Deno unloads it at exit, under the feet of TensorFlow's threads. */
const pin = ({ dlopen }: BaseSymbols, path: string): void => {
  dlopen?.(cString(path), DLOPEN.now | DLOPEN.noDelete);
};

/**
 * Opens TensorFlow's library.
 *
 * @param location the file, or a folder that holds it (a wheel's, an official archive's, a Python package's)
 * @param options.xla whether XLA is to be used
 * @throws {EngineError} if there is none, it may not or cannot be loaded, is older than 2.9 or lacks a function
 */
export const openLibrary = (location: string, { xla = false }: { xla?: boolean } = {}): Library => {
  const path = libraryAt(location);
  quieten(xla);
  useOneDnn();
  const base = open(path, BASE_SYMBOLS).symbols;
  pin(base, path);
  const version = readString(base, base.TF_Version());
  if (isOlderThan(version, OLDEST)) {
    throw new EngineError(
      `Cannot use TensorFlow at ${path}: version must be ${OLDEST.join(".")} or newer, received ${version}`,
    );
  }
  return { symbols: open(path, SYMBOLS).symbols, path, version };
};
