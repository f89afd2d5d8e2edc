import { dirname, join, relative, resolve } from "@std/path";
import { EngineError } from "../engine.ts";
import { INSTALL_FOLDER, libraryIn } from "./find_library.ts";
import { openLibrary } from "./library.ts";

/** TensorFlow among the packages of the Python on this machine. */
export interface PythonTensorflow {
  /** Folder of the package. */
  readonly folder: string;
  readonly version: string;
  /** The Python that has it. */
  readonly python: string;
}

// Without importing it, which takes seconds; and without the current folder, where anything may be called tensorflow.
const FIND_PROGRAM = `
import importlib.metadata, importlib.util, json, sys
sys.path = [path for path in sys.path if path]
spec = importlib.util.find_spec("tensorflow")
if spec and spec.origin:
    versions = [
        package.version for package in importlib.metadata.distributions()
        if "tensorflow" in (package.read_text("top_level.txt") or "").split()
    ]
    print(json.dumps({
        "folder": spec.submodule_search_locations[0],
        "version": versions[0] if versions else "of an unknown version",
        "python": sys.executable,
    }))
`;

/**
 * Asks `python3` for its TensorFlow; some 0.1 s.
 *
 * @returns `null` if it has none, there is no `python3`, or this process may not run it
 */
export const findPythonTensorflow = async (): Promise<PythonTensorflow | null> => {
  try {
    const { stdout } = await new Deno.Command("python3", { args: ["-c", FIND_PROGRAM], stdin: "null" }).output();
    const text = new TextDecoder().decode(stdout).trim();
    return text === "" ? null : JSON.parse(text);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotCapable) return null;
    throw error;
  }
};

/** TensorFlow as it was linked. */
export interface LinkedTensorflow {
  readonly version: string;
  /** The folder of its library. */
  readonly target: string;
}

const resolveSource = async (from: string): Promise<string> => {
  if (from !== "python") return resolve(from);
  const found = await findPythonTensorflow();
  if (found === null) {
    throw new EngineError(
      "Cannot link Python's TensorFlow: python3 has none, or is not here; deno task engine install cpu gets one",
    );
  }
  return found.folder;
};

// Deno.symlink asks for leave to read and write everywhere.
const symlink = async (target: string, path: string): Promise<void> => {
  const command = new Deno.Command("ln", { args: ["-sfn", "--", target, path], stdin: "null" });
  const { success, stderr } = await command.output().catch((cause) => {
    throw new EngineError(`Cannot link ${target}: the program ln cannot be run`, { cause });
  });
  if (!success) throw new EngineError(`Cannot link ${target}: ${new TextDecoder().decode(stderr).trim()}`);
};

/** The library's own folder, found through the link: the target itself may be out of this process's reach. */
const linkedLibraryFolder = (target: string, link: string): string => {
  const path = libraryIn(link);
  if (path === null) throw new EngineError(`Cannot find TensorFlow's library in ${target}`);
  return path === link ? dirname(target) : join(target, relative(link, dirname(path)));
};

const openLinked = (link: string, target: string) => {
  try {
    return openLibrary(link);
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    throw new EngineError(error.message.replaceAll(link, target), { cause: error });
  }
};

/**
 * Links a TensorFlow that is installed elsewhere into the project's own folder, where every task may load it, once it
 * has been seen to load. An older installation there is replaced.
 *
 * @param from its library, a folder that holds it, or `python`: the package of the `python3` on this machine
 * @param options.folder where to; this process must have leave to load libraries from it and from `folder.partial`
 * @throws {EngineError} if there is none, or it cannot be used, with the reason
 */
export const linkTensorflow = async (
  from: string,
  { folder = INSTALL_FOLDER }: { folder?: string } = {},
): Promise<LinkedTensorflow> => {
  const source = await resolveSource(from);
  const partial = `${folder}.partial`;
  const remove = () => Deno.remove(partial, { recursive: true }).catch(() => {});
  await remove();
  await Deno.mkdir(partial, { recursive: true });
  const link = join(partial, "tensorflow");
  try {
    await symlink(source, link);
    const target = linkedLibraryFolder(source, link);
    if (target !== source) await symlink(target, link);
    const { version } = openLinked(link, target);
    await Deno.remove(folder, { recursive: true }).catch(() => {});
    await Deno.rename(partial, folder);
    return { version, target };
  } finally {
    await remove();
  }
};
