import * as tf from "@tensorflow/tfjs-core";
import { OnnxBackend, registerKernels } from "./backend.ts";
import type { ElementType } from "./encode.ts";
import type { HostValues } from "../order.ts";
import { ANY_ROWS, OnnxGraph, type OnnxParameter } from "./graph.ts";

/** Name of the backend that records; it has nothing to compute with. */
const RECORDER = "onnx recorder";

/** What goes into a recorded function. */
export interface RecordedInput {
  readonly type: ElementType;
  /** Its shape, without the first axis, which is the batch. */
  readonly shape: readonly number[];
}

/** How a function is recorded. */
export interface RecordOptions {
  /** By the name that each has in the file. */
  readonly inputs: Readonly<Record<string, RecordedInput>>;
  /**
   * Constants by the name that each has in the file, where they keep their shape and layout: those of the function's
   * tensors that are made of the same array.
   */
  readonly parameters: ReadonlyMap<string, { readonly shape: readonly number[]; readonly data: Float32Array }>;
  /** What the parameters are stored and, with all that they meet, computed in; outputs are float32. */
  readonly type?: OnnxParameter["type"];
  /** What the file says of itself, by key. */
  readonly metadata?: Record<string, string>;
}

/**
 * Records a function as the bytes of a `.onnx` file for batches of any size, of ONNX's standard operators. No library of
 * a runtime is needed. Meanwhile tfjs's current backend is one of its own; afterwards it is the one that was before.
 *
 * @param compute is handed the inputs, and returns its outputs by the name that each gets. It makes all other tensors
 * itself, and may not read values; an input of int64 is an int32 to it
 * @throws {RangeError} if a parameter has a value that is too large for float16
 */
export const recordOnnx = async (
  compute: (inputs: Record<string, tf.Tensor>) => Record<string, tf.Tensor>,
  { inputs, parameters, type = "float32", metadata }: RecordOptions,
): Promise<Uint8Array<ArrayBuffer>> => {
  const refuse = () => {
    throw new Error("Cannot run an operation while a file is recorded: make its inputs in the recorded function");
  };
  const backend = new OnnxBackend(refuse);
  const before = tf.getBackend();
  registerKernels(RECORDER);
  tf.registerBackend(RECORDER, () => backend);
  await tf.setBackend(RECORDER);
  try {
    const graph = new OnnxGraph(
      new Map(Array.from(parameters, ([name, { data, shape }]) => [data as HostValues, { name, shape, type }])),
    );
    const names = Object.keys(inputs);
    const values = names.map((name) => graph.input(name, [ANY_ROWS, ...inputs[name].shape], inputs[name].type));
    let outputNames: string[] = [];
    const outputs = backend.record(graph, values, (symbols) => {
      const results = compute(Object.fromEntries(names.map((name, i) => [name, symbols[i]])));
      outputNames = Object.keys(results);
      return Object.values(results);
    });
    return graph.encode(
      Object.fromEntries(outputs.map((output, i) => [outputNames[i], graph.cast(output, "float32")])),
      metadata,
    );
  } finally {
    if (before) await tf.setBackend(before);
    tf.removeBackend(RECORDER);
    for (const { kernelName } of tf.getKernelsForBackend(RECORDER)) tf.unregisterKernel(kernelName, RECORDER);
  }
};
