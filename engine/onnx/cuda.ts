import { join } from "@std/path";
import { EngineError, firstLine } from "../engine.ts";
import { isGranted } from "../permissions.ts";

/** The project's own folder of ONNX Runtime with CUDA: wheels of PyPI, as they are. */
export const CUDA_FOLDER = ".onnxruntime";

/** The runtime of the version that is pinned in deno.json. Beside it lie the libraries of its providers. */
const RUNTIME = "onnxruntime/capi/libonnxruntime.so.1.30.0";

const CUDART = "nvidia/cu13/lib/libcudart.so.13";

/**
 * What the provider asks for by names without a folder, which are found among what the process has loaded. Each comes
 * after those that it needs.
 */
const LIBRARIES = [
  CUDART,
  "nvidia/cu13/lib/libcublasLt.so.13",
  "nvidia/cu13/lib/libcublas.so.13",
  "nvidia/cu13/lib/libcurand.so.10",
  "nvidia/cu13/lib/libcufft.so.12",
  "nvidia/cu13/lib/libnvrtc.so.13",
  "nvidia/cudnn/lib/libcudnn.so.9",
];

const CUDART_SYMBOLS = {
  cudaDriverGetVersion: { parameters: ["buffer"], result: "i32" },
  cudaGetDeviceCount: { parameters: ["buffer"], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

/** CUDA's errors that tell what a machine lacks. */
const CUDA_ERROR = { insufficientDriver: 35, noDevice: 100 } as const;

/** The runtime in a folder that was installed; `null` if there is none, or reading there is not allowed. */
export const runtimeIn = (folder: string): string | null => {
  const path = join(folder, RUNTIME);
  try {
    return Deno.statSync(path).isFile ? path : null;
  } catch {
    return null;
  }
};

const open = <S extends Deno.ForeignLibraryInterface>(path: string, symbols: S): Deno.DynamicLibrary<S> => {
  try {
    return Deno.dlopen(path, symbols);
  } catch (cause) {
    throw new EngineError(firstLine(cause), { cause });
  }
};

/** Asks CUDA itself for a card; `null` if there is one. */
const whyNoCard = (folder: string): string | null => {
  const { symbols } = open(join(folder, CUDART), CUDART_SYMBOLS);
  // That there are none is an error.
  const error = symbols.cudaGetDeviceCount(new Int32Array(1));
  if (error === CUDA_ERROR.insufficientDriver) {
    const driver = new Int32Array(1);
    symbols.cudaDriverGetVersion(driver);
    const version = `${Math.floor(driver[0] / 1000)}.${Math.floor(driver[0] % 1000 / 10)}`;
    return driver[0] === 0
      ? "no driver of NVIDIA's is here"
      : `NVIDIA's driver must be one for CUDA 13, received one for ${version}`;
  }
  if (error === CUDA_ERROR.noDevice) return "no graphics card of NVIDIA's is here";
  return error === 0 ? null : `CUDA fails with its error ${error}`;
};

let isPreloaded = false;

/**
 * Loads the ONNX Runtime that has CUDA, and CUDA's libraries, into this process, where `onnxruntime-node` then finds
 * them in place of its own runtime, which has the processor and WebGPU alone. A runtime looks for CUDA's provider in
 * the folder that it was itself loaded from, so this comes before the first import of `onnxruntime-node` in a process.
 *
 * @param folder what `deno task engine install onnx-cuda` made
 * @returns `null`, or why CUDA cannot be used: it is not there, may not or cannot be loaded, or has no card
 */
export const preloadCuda = (folder = CUDA_FOLDER): string | null => {
  if (isPreloaded) return null;
  const runtime = runtimeIn(folder);
  if (runtime === null) return "its libraries are not here; deno task engine install onnx-cuda gets them";
  if (!isGranted({ name: "ffi", path: folder })) {
    return `this process may not load its libraries; --allow-ffi=${folder} lets it`;
  }
  try {
    const reason = whyNoCard(folder);
    if (reason !== null) return reason;
    // Never closed: as long as they are here, the provider finds them.
    for (const library of [...LIBRARIES.map((library) => join(folder, library)), runtime]) open(library, {});
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    return `its libraries do not load: ${error.message}`;
  }
  isPreloaded = true;
  return null;
};
