import { fromFileUrl, resolve } from "@std/path";
import { isMainThread } from "node:worker_threads";
import type { InferenceSession, Tensor } from "onnxruntime-common";
import { EngineError, firstLine, ONNX_DEVICES, type OnnxDevice } from "../engine.ts";
import type { ElementType } from "./encode.ts";
import { isGranted, type LibraryGrant } from "../permissions.ts";
import { CUDA_FOLDER } from "./cuda.ts";
import type { HostValues } from "../order.ts";

/** The runtime's names of its execution providers. */
const PROVIDERS: Readonly<Record<OnnxDevice, string>> = {
  cpu: "cpu",
  webgpu: "webgpu",
  "webgpu-software": "webgpu",
  cuda: "cuda",
  tensorrt: "tensorrt",
  directml: "dml",
  coreml: "coreml",
};

/** A tensor in the memory of this process, as it lies there. */
export interface HostTensor {
  readonly values: HostValues;
  readonly shape: readonly number[];
  readonly type: ElementType;
}

/** A graph that the runtime has taken. */
export interface OnnxSession {
  /** @param feeds what goes in, by name @returns what comes out, by name */
  run(feeds: Readonly<Record<string, HostTensor>>): Record<string, HostTensor>;
  dispose(): void;
}

/** How sessions compute. */
export interface RuntimeOptions {
  readonly device: OnnxDevice;
  /** Threads of the processor that a session computes with. */
  readonly threads: number;
}

/** The native half: its public interface resolves promises a turn later, for the same synchronous calls. */
interface NativeSession {
  loadModel(buffer: ArrayBuffer, offset: number, length: number, options: InferenceSession.SessionOptions): void;
  readonly outputMetadata: readonly { readonly name: string }[];
  run(feeds: Record<string, Tensor>, fetches: Record<string, null>, options: object): Record<string, Tensor>;
  dispose(): void;
}

/** ONNX Runtime's library. */
export interface Runtime {
  readonly version: string;
  /** Devices that its binaries have providers for. */
  readonly devices: readonly OnnxDevice[];
  createSession(model: Uint8Array<ArrayBuffer>, options: RuntimeOptions): OnnxSession;
}

/** The least that the runtime writes: of an error, the exception says as much. */
const FATAL = 4;

/**
 * How long a thread that has nothing to do looks for more before it sleeps. Each session has threads of its own: by the
 * runtime's default, those of one model would hold the processor for milliseconds into the next model's call, which then
 * takes up to twice as long. Within a call 100 µs lose nothing (bench/README.md).
 */
const SPIN_MICROSECONDS = 100;

const RUN_OPTIONS: InferenceSession.RunOptions = { logSeverityLevel: FATAL };

/** Values that the runtime can take: it refuses memory that threads share, as that of a data set's loader. */
const owned = (values: HostValues): HostValues => values.buffer instanceof SharedArrayBuffer ? values.slice() : values;

/** What the native half throws is said in one line. */
const orFail = <T>(device: OnnxDevice, call: () => T): T => {
  try {
    return call();
  } catch (cause) {
    throw new EngineError(`Cannot run on onnx (${device}): ${firstLine(cause)}`, { cause });
  }
};

let loaded: Runtime | undefined;

const load = async (): Promise<Runtime> => {
  Deno.env.set(TELEMETRY_VARIABLE, "1");
  const [{ binding }, { Tensor }, { version }] = await Promise.all([
    import("onnxruntime-node/dist/binding.js"),
    import("onnxruntime-common"),
    import("onnxruntime-node/dist/version.js"),
  ]);
  binding.initOrtOnce(FATAL, Tensor, isMainThread);
  const supported = new Set(binding.listSupportedBackends().map(({ name }: { name: string }) => name));
  const createSession: Runtime["createSession"] = (model, { device, threads }) => {
    const session = new binding.InferenceSession() as unknown as NativeSession;
    session.loadModel(model.buffer, model.byteOffset, model.byteLength, {
      executionProviders: [PROVIDERS[device], ...(device === "cpu" ? [] : ["cpu"])],
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      executionMode: "sequential",
      graphOptimizationLevel: "all",
      logSeverityLevel: FATAL,
      extra: { session: { intra_op: { spin_duration_us: String(SPIN_MICROSECONDS) } } },
    });
    const fetches = Object.fromEntries(session.outputMetadata.map(({ name }) => [name, null]));
    return {
      run: (feeds) => {
        const tensors = Object.entries(feeds).map(([name, { values, shape, type }]) =>
          [name, new Tensor(type as "float32", owned(values) as Float32Array, shape)] as const
        );
        const outputs = orFail(device, () => session.run(Object.fromEntries(tensors), fetches, RUN_OPTIONS));
        return Object.fromEntries(
          Object.entries(outputs).map(([name, { data, dims, type }]) =>
            [name, { values: data as HostValues, shape: dims, type: type as ElementType }] as const
          ),
        );
      },
      dispose: () => session.dispose(),
    };
  };
  return { version, devices: ONNX_DEVICES.filter((device) => supported.has(PROVIDERS[device])), createSession };
};

/** The folder of ONNX Runtime's package, where it truly lies: a permission of a link is none of what it leads to. */
const packageFolder = (): string | null => {
  try {
    return resolve(fromFileUrl(new URL("..", import.meta.resolve("onnxruntime-node"))));
  } catch {
    return null;
  }
};

/**
 * Set to 1, it keeps ONNX Runtime from collecting and sending Microsoft what it is used for, which its native code would
 * do past any permission of this process.
 */
export const TELEMETRY_VARIABLE = "ORT_DISABLE_TELEMETRY";

/** Whether this process may load ONNX Runtime's library, and forbid it telemetry; asking so never prompts. */
export const mayLoadRuntime = (): boolean => {
  const path = packageFolder();
  return path !== null && isGranted({ name: "ffi", path }) && isGranted({ name: "env", variable: TELEMETRY_VARIABLE });
};

/** The permissions that a child process needs to compute on ONNX Runtime, with CUDA where that is installed. */
export const grantRuntime = (): LibraryGrant => {
  const folder = resolve(CUDA_FOLDER);
  const own = packageFolder();
  return { path: null, read: [folder], ffi: [...(own === null ? [] : [own]), folder], env: [TELEMETRY_VARIABLE] };
};

/**
 * Loads ONNX Runtime's library, once in a process.
 *
 * @throws {EngineError} if there is none for this machine, or it may not be loaded
 */
export const loadRuntime = async (): Promise<Runtime> => {
  try {
    return loaded ??= await load();
  } catch (cause) {
    const reason = !mayLoadRuntime()
      ? `this process may not load its library; --allow-ffi=node_modules --allow-env=${TELEMETRY_VARIABLE} let it`
      : `its library did not load: ${firstLine(cause)}`;
    throw new EngineError(`Cannot start onnx: ${reason}`, { cause });
  }
};

/**
 * Opens a session.
 *
 * @throws {EngineError} if the device is not there, or cannot run the graph
 */
export const openSession = (runtime: Runtime, model: Uint8Array<ArrayBuffer>, options: RuntimeOptions): OnnxSession =>
  orFail(options.device, () => runtime.createSession(model, options));
