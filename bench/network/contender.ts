import { fromFileUrl } from "@std/path";
import { type ContenderProgram, startJsonProcess } from "../json_process.ts";

/** What a process is for: evaluating the network, or training it. */
export type Purpose = "step" | "train";

const beside = (file: string) => fromFileUrl(new URL(file, import.meta.url));

const deno = (
  name: string,
  file: string,
  permissions: readonly string[],
  args: readonly string[],
): ContenderProgram => ({
  name,
  command: Deno.execPath(),
  args: ["run", "--no-prompt", "--allow-read=.", ...permissions, beside(file), ...args],
});

const LIBRARIES = [
  "--allow-ffi=.tensorflow,node_modules",
  "--allow-env=DENOISE_TENSORFLOW,ORT_DISABLE_TELEMETRY,TF_CPP_MIN_LOG_LEVEL,TF_ENABLE_ONEDNN_OPTS,TF_XLA_FLAGS,XDG_RUNTIME_DIR",
];

/** The names of those to which the others are compared, by the faster of them. */
export const NETWORK_PEERS: readonly string[] = ["pytorch contiguous", "pytorch channels_last"];

/** PyTorch at its best beside that. */
const PYTORCH_VARIANTS = { "pytorch compile": "compile", "pytorch bfloat16": "bfloat16" };

/** OpenVINO's precisions. */
const OPENVINO = { openvino: "f32", "openvino bfloat16": "bf16" };

/** Where the comparison writes the network as ONNX. */
export const ONNX_FILE = "runs/bench-network.onnx";

/** All names, in the order of the table. */
export const NETWORK_CONTENDERS = [
  ...NETWORK_PEERS,
  ...Object.keys(PYTORCH_VARIANTS),
  ...Object.keys(OPENVINO),
  "onnx",
  "tensorflow compiled",
  "tensorflow eager",
  "wasm",
  "jax-js",
];

/** What an implementation in that precision may differ by, where ε is about 1. */
export const toleranceOf = (name: string): number => name.endsWith("bfloat16") ? 0.2 : 1e-3;

/**
 * The contenders for a purpose. OpenVINO and jax-js only evaluate; jax-js would need more than wasm's 4 GiB to train on 8
 * images.
 */
export const programs = (purpose: Purpose): ContenderProgram[] => [
  ...["contiguous", "channels_last"].map((layout, i): ContenderProgram => ({
    name: NETWORK_PEERS[i],
    command: "python3",
    args: [beside("pytorch.py"), layout, purpose],
  })),
  ...(purpose === "step" ? Object.entries(PYTORCH_VARIANTS) : []).map(([name, variant]): ContenderProgram => ({
    name,
    command: "python3",
    args: [beside("pytorch.py"), variant, purpose],
  })),
  ...(purpose === "step" ? Object.entries(OPENVINO) : []).map(([name, precision]): ContenderProgram => ({
    name,
    command: "python3",
    args: [beside("openvino_network.py"), precision, ONNX_FILE],
  })),
  deno("onnx", "denoise.ts", LIBRARIES, ["onnx", "compiled", purpose]),
  deno("tensorflow compiled", "denoise.ts", LIBRARIES, ["tensorflow", "compiled", purpose]),
  deno("tensorflow eager", "denoise.ts", LIBRARIES, ["tensorflow", "eager", purpose]),
  deno("wasm", "denoise.ts", [], ["wasm", "compiled", purpose]),
  ...(purpose === "step" ? [deno("jax-js", "jax_js.ts", [], [])] : []),
];

/** What a contender is asked to time. */
export interface TimedOperation {
  readonly operation: "step" | "train";
  readonly rows: number;
}

/** A question whose answer is the same for all: ε_θ of one image (NHWC, class 0 where there are classes). */
export interface EpsilonRequest {
  readonly operation: "evaluate";
  readonly x: readonly number[];
  readonly timestep: number;
}

/** A contender's answer: how long the operation took, and what its process holds in memory. */
export interface ContenderTiming {
  readonly seconds: number;
  readonly residentBytes: number;
}

/** One implementation of the network, in a process of its own that waits to be asked. */
export interface Contender {
  readonly name: string;
  /** What it says of itself: versions, threads. */
  readonly description: string;
  /** From the start of its process to the end of its first operation, of one row. */
  readonly secondsToReady: number;
  /** @throws {Error} with what it wrote on stderr, if it ends instead of answering */
  time(operation: TimedOperation): Promise<ContenderTiming>;
  /** @throws {Error} with what it wrote on stderr, if it ends instead of answering */
  evaluate(x: Float32Array, timestep: number): Promise<readonly number[]>;
  close(): Promise<void>;
}

/**
 * Starts a program on the model in `folder`, and resolves when it has done its first operation. It speaks JSON lines:
 * `{description}` when it is ready, then a {@linkcode ContenderTiming} for each {@linkcode TimedOperation} that it reads, and
 * `{epsilon}` for each {@linkcode EpsilonRequest}.
 *
 * @throws {Error} with what it wrote on stderr, if it ends before
 */
export const startContender = async (program: ContenderProgram, folder: string): Promise<Contender> => {
  const { request, close, greeting, secondsToReady } = await startJsonProcess<
    TimedOperation | EpsilonRequest,
    ContenderTiming & { epsilon: readonly number[] }
  >({ ...program, args: [...program.args, folder] });
  return {
    name: program.name,
    description: greeting.description,
    secondsToReady,
    time: request,
    evaluate: async (x, timestep) => (await request({ operation: "evaluate", x: Array.from(x), timestep })).epsilon,
    close,
  };
};
