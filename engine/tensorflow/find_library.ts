import { join } from "@std/path";
import { EngineError } from "../engine.ts";
import { isGranted } from "../permissions.ts";

const namesIn = (folder: string): string[] => {
  try {
    return Array.from(Deno.readDirSync(folder), ({ name }) => name);
  } catch {
    return [];
  }
};

/** `python3.12` before `python3.9` before Debian's `python3`. */
const minorOf = (name: string): number => Number(name.split(".")[1] ?? -1);

/** Where a Python below `prefix` (an environment's folder, `/usr`) keeps its packages, the newest Python first. */
const packageFolders = (prefix: string): string[] => {
  if (Deno.build.os === "windows") return [join(prefix, "Lib", "site-packages")];
  const lib = join(prefix, "lib");
  return namesIn(lib)
    .filter((name) => /^python3(\.\d+)?$/.test(name))
    .sort((a, b) => minorOf(b) - minorOf(a))
    .flatMap((name) => ["site-packages", "dist-packages"].map((packages) => join(lib, name, packages)));
};

const variable = (name: string): string | undefined =>
  isGranted({ name: "env", variable: name }) ? Deno.env.get(name) || undefined : undefined;

/**
 * The Pythons that this process may look into, without running one: the environment that is active, the project's own,
 * the user's packages, the system's.
 */
const pythonPrefixes = (): string[] => {
  const home = variable("HOME");
  const prefixes = [
    variable("VIRTUAL_ENV"),
    variable("CONDA_PREFIX"),
    ".venv",
    home && join(home, ".local"),
    ...(Deno.build.os === "windows" ? [] : ["/usr/local", "/opt/homebrew", "/usr"]),
  ];
  return prefixes.filter((path) => path !== undefined && path !== "" && isGranted({ name: "read", path })) as string[];
};

/** The environment variable that names TensorFlow's library, or a folder with it. */
export const LIBRARY_VARIABLE = "DENOISE_TENSORFLOW";

/** The project's own install folder. */
export const INSTALL_FOLDER = ".tensorflow";

const FILES = {
  windows: ["tensorflow.dll"],
  darwin: ["libtensorflow_cc.2.dylib", "libtensorflow.2.dylib"],
  other: ["libtensorflow_cc.so.2", "libtensorflow.so.2"],
};

/** Where a wheel, an installed package, and an official archive keep their libraries, below the folder given. */
const SUBFOLDERS = ["", "tensorflow", "lib", "site-packages/tensorflow"];

/** Whether a file is there that may be looked at: one that may not is none to load either. */
const isReadableFile = (path: string): boolean => {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
};

/** Whether a file, a folder or a link is there, be it one that leads nowhere. */
const entryExists = (path: string): boolean => {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
};

const inFolder = (folder: string): string | undefined => {
  const files = FILES[Deno.build.os as "windows" | "darwin"] ?? FILES.other;
  return files.map((file) => join(folder, file)).find(isReadableFile);
};

/**
 * The library in a folder (a wheel's, an official archive's, a Python package's or a whole environment's), or the file
 * itself; `null` if there is none (or reading there is not allowed).
 */
export const libraryIn = (path: string): string | null => {
  if (isReadableFile(path)) return path;
  for (const folder of SUBFOLDERS) {
    const found = inFolder(join(path, folder));
    if (found) return found;
  }
  return packageFolders(path).map((folder) => inFolder(join(folder, "tensorflow"))).find(Boolean) ?? null;
};

const refusal = (location: string, shown: string, source: string): EngineError =>
  new EngineError(
    `Cannot load TensorFlow from ${shown}: this process has no permission to. ` +
      `Run deno task engine install --from ${location} once, which links it into ${INSTALL_FOLDER}/ for the tasks, ` +
      `and leave ${source} out; or use deno run with --allow-read=${location} --allow-ffi=${location} in addition`,
  );

/**
 * The library at a location that a person named.
 *
 * @param location the file, or a folder that holds it
 * @param source what names it, as a person knows it
 * @throws {EngineError} if there is none, or this process may not load it: with the flags and the command that help
 */
export const libraryAt = (location: string, source = "--tensorflow"): string => {
  const shown = source === LIBRARY_VARIABLE ? `${location} (${LIBRARY_VARIABLE})` : location;
  if (!isGranted({ name: "read", path: location })) throw refusal(location, shown, source);
  const path = libraryIn(location);
  if (path === null) throw new EngineError(`Cannot find TensorFlow's library in ${shown}`);
  if (!isGranted({ name: "ffi", path })) throw refusal(location, shown, source);
  return path;
};

const installed = (): string | null => {
  const path = INSTALL_FOLDER;
  if (!isGranted({ name: "ffi", path }) || !isGranted({ name: "read", path })) return null;
  const found = libraryIn(path);
  if (found === null && entryExists(path)) {
    throw new EngineError(
      `Cannot find TensorFlow's library in ${path}/, which is there: deno task engine install makes it anew`,
    );
  }
  return found;
};

const inPython = (): string | null => {
  const found = pythonPrefixes().map(libraryIn);
  return found.find((path) => path !== null && isGranted({ name: "ffi", path })) ?? null;
};

/**
 * Looks for TensorFlow where this process may look, without a prompt: in `DENOISE_TENSORFLOW`, and nowhere else if that
 * is set; in `.tensorflow`; among the packages of installed Pythons.
 *
 * @returns the library's path; `null` if there is none, or loading it is not allowed
 * @throws {EngineError} if `DENOISE_TENSORFLOW` names a place that holds none or may not be loaded, or `.tensorflow` is
 * there without a library
 */
export const findLibrary = (): string | null => {
  const named = isGranted({ name: "env", variable: LIBRARY_VARIABLE }) ? Deno.env.get(LIBRARY_VARIABLE) : undefined;
  if (named) return libraryAt(named, LIBRARY_VARIABLE);
  return installed() ?? inPython();
};
