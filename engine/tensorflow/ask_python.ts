/** TensorFlow among the packages of the Python on this machine. */
export interface PythonTensorflow {
  /** Folder of the package. */
  readonly folder: string;
  readonly version: string;
  /** The Python that has it. */
  readonly python: string;
}

// Without importing it, which takes seconds; and without the current folder, where anything may be called tensorflow.
const PROGRAM = `
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
export const askPython = async (): Promise<PythonTensorflow | null> => {
  try {
    const { stdout } = await new Deno.Command("python3", { args: ["-c", PROGRAM], stdin: "null" }).output();
    const text = new TextDecoder().decode(stdout).trim();
    return text === "" ? null : JSON.parse(text);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotCapable) return null;
    throw error;
  }
};
