import { type EngineChoice, openBest } from "../../engine/best.ts";
import { EngineError, type EngineName, ENGINES, firstLine, openEngine } from "../../engine/mod.ts";
import { findLibrary } from "../../engine/tensorflow/find_library.ts";
import { openLibrary } from "../../engine/tensorflow/library.ts";
import { findPythonTensorflow, type PythonTensorflow } from "../../engine/tensorflow/link.ts";

/** One engine as it was found here: what it is, or why it is not. */
type FoundEngine =
  | {
    name: EngineName;
    version: string;
    device: string;
    compiles: boolean;
    library?: string;
    providers?: readonly string[];
  }
  | { name: EngineName; reason: string };

/** When `auto` takes an engine that is there and that it has not taken. */
const AUTO: Record<EngineName, string> = {
  onnx: "if no graphics card is there",
  tensorflow: "on a graphics card, and to train",
  webgpu: "if there is no CUDA",
  "webgpu-software": "never: for tests, by name alone",
  wasm: "if nothing better is there",
  cpu: "never: for tests, by name alone",
};

/** Loads TensorFlow ahead of WebGPU: behind a Vulkan driver that has loaded an LLVM, it would crash. */
const preload = (): void => {
  try {
    const library = findLibrary();
    if (library !== null) openLibrary(library);
  } catch (error) {
    // The list says it.
    if (!(error instanceof EngineError)) throw error;
  }
};

const open = async (name: EngineName, tensorflow?: string): Promise<FoundEngine> => {
  try {
    const options = name === "tensorflow" ? { tensorflow } : {};
    const { version, device, compilesFor, library, providers } = await openEngine(name, options);
    return { name, version, device, compiles: compilesFor !== undefined, library, providers };
  } catch (error) {
    return { name, reason: firstLine(error).replace(/^Cannot start \S+: /, "") };
  }
};

const columnsOf = (found: FoundEngine, { engine, why }: EngineChoice): string[] => {
  if ("reason" in found) return [found.name, "–", "–", "–", `not here: ${found.reason.split("; ")[0]}`];
  const { name, version, device, compiles } = found;
  return [name, version, device, compiles ? "yes" : "no", name === engine.name ? `takes it: ${why}` : AUTO[name]];
};

const realPath = (path: string): string => {
  try {
    return Deno.realPathSync(path);
  } catch {
    return path;
  }
};

/** What ONNX Runtime could compute on. */
const devicesOf = (engines: readonly FoundEngine[]): string[] =>
  engines.flatMap((one) =>
    "providers" in one && one.providers ? [`onnx has --device ${one.providers.join(", ")}`] : []
  );

/** Which TensorFlow is used, and which one Python has that could be. */
const librariesOf = (engines: readonly FoundEngine[], python: PythonTensorflow | null): string[] => {
  const library = engines.map((one) => "library" in one ? one.library : undefined).find(Boolean);
  const real = library && realPath(library);
  const linked = real && real !== library && real !== realPath(".") + `/${library}` ? ` (${real})` : "";
  const lines = library ? [`TensorFlow is ${library}${linked}`] : [];
  if (!library && !python) lines.push("deno task engine install gets TensorFlow (--help)");
  if (python && !real?.startsWith(realPath(python.folder))) {
    const { version, folder } = python;
    lines.push(`python3 has TensorFlow ${version} in ${folder}: deno task engine install --from python links it here`);
  }
  return lines;
};

const print = (engines: readonly FoundEngine[], choice: EngineChoice, python: PythonTensorflow | null): void => {
  const rows = [["engine", "version", "device", "compiles", "auto"], ...engines.map((one) => columnsOf(one, choice))];
  const widths = rows[0].map((_, i) => i === 4 ? 0 : Math.max(...rows.map((row) => row[i].length)));
  for (const row of rows) console.log(row.map((text, i) => text.padEnd(widths[i])).join("  "));
  const notes = [...devicesOf(engines), ...librariesOf(engines, python)];
  if (notes.length > 0) console.log(["", ...notes].join("\n"));
};

/**
 * Prints a line an engine: its version, its device, whether it compiles, whether `auto` takes it and why, or why it is
 * not here; then which TensorFlow that is, and the one that Python has.
 *
 * @param options.tensorflow TensorFlow's library, in place of one that is looked for
 * @throws {EngineError} if that one cannot be used
 */
export const listEngines = async (
  { json, tensorflow }: { json: boolean; tensorflow?: string },
): Promise<void> => {
  if (tensorflow === undefined) preload();
  // First, since an engine that is opened by name may be one that auto would not take; the list says what cannot be used.
  const choice = await openBest({ tensorflow, warn: () => {} });
  const engines: FoundEngine[] = [];
  for (const name of ENGINES) engines.push(await open(name, tensorflow));
  const python = await findPythonTensorflow();
  if (json) console.log(JSON.stringify({ auto: choice.engine.name, why: choice.why, engines, python }));
  else print(engines, choice, python);
};
