/** What `--xla` takes. */
export const XLA_CHOICES = ["auto", "on", "off"] as const;

/** Whether XLA is to compile functions; `auto` leaves it to the device. */
export type XlaChoice = typeof XLA_CHOICES[number];

/**
 * How a function is compiled: by XLA, not by XLA, or as is faster. `measured` makes both at the first call of each shape,
 * runs each a few times and keeps the one whose fastest run is shorter (the one without XLA where XLA fails). So that
 * call takes seconds, and which of the two is kept, whose values differ by rounding, may differ from start to start.
 */
export type Xla = boolean | "measured";

/**
 * What a choice means on a device. On processors `auto` is off: without XLA a row has the same bits in every batch, and
 * which of the two is faster depends on the network (bench/README.md: the 35.7M U-Net of CIFAR-10 is not with XLA, the
 * small one of the digits is twice as fast). On graphics cards each function and shape is measured where it runs.
 */
export const resolveXla = (choice: XlaChoice, hasGpu: boolean): Xla =>
  choice === "auto" ? hasGpu && "measured" : choice === "on";

/** The engines that can evaluate the network, by the name that `--engine` takes. */
export const ENGINES = ["onnx", "tensorflow", "webgpu", "webgpu-software", "wasm", "cpu"] as const;

/**
 * Name of one engine. `webgpu` takes a graphics card alone; `webgpu-software` computes on the processor what a card would,
 * and `cpu` is tfjs's plain JavaScript backend: both are for tests, too slow for use.
 */
export type EngineName = typeof ENGINES[number];

/** What ONNX Runtime can compute on, by the name that `--device` takes. */
export const ONNX_DEVICES = ["cpu", "webgpu", "webgpu-software", "cuda", "tensorrt", "directml", "coreml"] as const;

/** One of {@linkcode ONNX_DEVICES}; `webgpu` is a graphics card alone, and `webgpu-software` is for tests. */
export type OnnxDevice = typeof ONNX_DEVICES[number];

/** Where tensors live: an opened tfjs backend, of which a process (or a Worker) has one. */
export interface Engine {
  readonly name: EngineName;
  /** Version of the library that computes. */
  readonly version: string;
  /** What it computes on, for people to read. */
  readonly device: string;
  /** Whether that is a graphics card. */
  readonly isGpu?: boolean;
  /**
   * What one compiled function serves: inputs of one shape, so that batches had better come in few sizes, or any number
   * of rows. Not given where functions are not compiled.
   */
  readonly compilesFor?: "each shape" | "any rows";
  /** Rows that a call has at least, for a row to have the same bits in calls of any size; 1 if not given. */
  readonly leastRows?: number;
  /** How functions are to be compiled here; not by XLA if not given. */
  readonly xla?: Xla;
  /** What this build of its library can compute on, where that is a choice. */
  readonly providers?: readonly string[];
  /** File of the library that computes, where it is not part of this program. */
  readonly library?: string;
}

/** The processor as {@linkcode Engine.device}. */
export const describeProcessor = (threads: number): string => `CPU, ${threads} ${threads === 1 ? "thread" : "threads"}`;

/** What was thrown, in one line. */
export const firstLine = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split("\n")[0];

/** An engine cannot start on this machine; the message says why, in one line. */
export class EngineError extends Error {
  override readonly name = "EngineError";
}
