import { join } from "@std/path";
import { EngineError } from "../error.ts";
import { cString } from "./c_string.ts";
import { machineOf } from "./machine_of.ts";
import { readString } from "./memory.ts";
import { BASE_SYMBOLS, type BaseSymbols, SYMBOLS, type Symbols } from "./symbols.ts";

/** The environment variable that names TensorFlow's library, or a folder with it. */
export const LIBRARY_VARIABLE = "DENOISE_TENSORFLOW";

/** The environment variable that says how much TensorFlow tells on stderr. */
export const LOG_VARIABLE = "TF_CPP_MIN_LOG_LEVEL";

/** The project's own install folder. */
export const INSTALL_FOLDER = ".tensorflow";

/** Oldest version with all that is called here. */
const OLDEST = [2, 9];

const FILES = {
  windows: ["tensorflow.dll"],
  darwin: ["libtensorflow_cc.2.dylib", "libtensorflow.2.dylib"],
  other: ["libtensorflow_cc.so.2", "libtensorflow.so.2"],
};

/** Where a wheel, an installed package, and an official archive keep their libraries, below the folder given. */
const SUBFOLDERS = ["", "tensorflow", "lib", "site-packages/tensorflow"];

/** TensorFlow, opened. */
export interface Library {
  readonly symbols: Symbols;
  readonly path: string;
  readonly version: string;
}

const isFile = (path: string): boolean => {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
};

/** The library in a folder, or the file itself; `null` if there is none (or reading there is not allowed). */
export const libraryIn = (path: string): string | null => {
  if (isFile(path)) return path;
  const files = FILES[Deno.build.os as "windows" | "darwin"] ?? FILES.other;
  for (const folder of SUBFOLDERS) {
    for (const file of files) {
      const candidate = join(path, folder, file);
      if (isFile(candidate)) return candidate;
    }
  }
  return null;
};

const granted = (descriptor: Deno.PermissionDescriptor) => Deno.permissions.querySync(descriptor).state === "granted";

/**
 * Looks for TensorFlow where this process may look, without a prompt: in `DENOISE_TENSORFLOW`, then in `.tensorflow`.
 *
 * @returns the library's path; `null` if there is none, or loading it is not allowed
 */
export const findLibrary = (): string | null => {
  const named = granted({ name: "env", variable: LIBRARY_VARIABLE }) ? Deno.env.get(LIBRARY_VARIABLE) : undefined;
  for (const place of named ? [named, INSTALL_FOLDER] : [INSTALL_FOLDER]) {
    if (!granted({ name: "ffi", path: place }) || !granted({ name: "read", path: place })) continue;
    const path = libraryIn(place);
    if (path !== null) return path;
  }
  return null;
};

const isTooOld = (version: string): boolean => {
  const [major, minor] = version.split(".").map(Number);
  return major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1]);
};

const whyNot = (path: string, error: unknown): string => {
  const machine = machineOf(path);
  if (machine !== null && machine !== Deno.build.arch) {
    return `it is built for ${machine}, and this machine is ${Deno.build.arch}`;
  }
  if (error instanceof Deno.errors.NotCapable) return `it needs --allow-ffi=${path}`;
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

/** TensorFlow tells every start what the processor can do, on stderr; only warnings should be seen. */
const quieten = (): void => {
  const variable = LOG_VARIABLE;
  if (granted({ name: "env", variable }) && Deno.env.get(variable) === undefined) Deno.env.set(variable, "1");
};

const RTLD_NOW = 2, RTLD_NODELETE = Deno.build.os === "darwin" ? 0x80 : 0x1000;

/** Keeps the library loaded to the end: Deno unloads it at exit, under the feet of TensorFlow's threads. */
const pin = ({ dlopen }: BaseSymbols, path: string): void => {
  dlopen?.(cString(path), RTLD_NOW | RTLD_NODELETE);
};

/**
 * Opens TensorFlow's library.
 *
 * @param place the file, or a folder that holds it (a wheel's, an official archive's, a Python package's)
 * @throws {EngineError} if there is none, it cannot be loaded, is older than 2.9 or lacks a function
 */
export const openLibrary = (place: string): Library => {
  const path = libraryIn(place);
  if (path === null) throw new EngineError(`Cannot find TensorFlow's library in ${place}`);
  quieten();
  const base = open(path, BASE_SYMBOLS).symbols;
  pin(base, path);
  const version = readString(base, base.TF_Version());
  if (isTooOld(version)) {
    throw new EngineError(
      `Cannot use TensorFlow at ${path}: version must be ${OLDEST.join(".")} or newer, received ${version}`,
    );
  }
  return { symbols: open(path, SYMBOLS).symbols, path, version };
};
