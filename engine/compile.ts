import * as tf from "@tensorflow/tfjs-core";
import type { Xla } from "./engine.ts";

/** A function traced for inputs of certain shapes. */
export interface CompiledFunction {
  run(inputs: readonly tf.Tensor[]): tf.Tensor[];
  free(): void;
}

/** What a backend that can compile has. */
export interface Compiler {
  /** Whether a function is being traced at this moment. */
  readonly isTracing: boolean;
  /** Whether one function can serve any number of rows. */
  readonly takesAnyRows?: boolean;
  compileFunction(
    compute: (inputs: tf.Tensor[]) => tf.Tensor[],
    examples: readonly tf.Tensor[],
    options: { xla: boolean; anyRows: boolean },
  ): CompiledFunction;
}

/** What a backend throws when values are asked for that are not computed yet. */
export const refuseRead = (): never => {
  throw new Error("Cannot read a tensor's values in a function that is being compiled");
};

const refuseRandom = (): never => {
  throw new Error("Cannot compile random numbers: each call would use the same; make them outside, and pass them in");
};

/** Runs what records a function; random numbers drawn meanwhile are refused. */
export const withoutRandom = <T>(record: () => T): T => {
  const random = Math.random;
  Math.random = refuseRandom;
  try {
    return record();
  } finally {
    Math.random = random;
  }
};

/** A function made by {@linkcode compile}. */
export interface Compiled<Inputs extends unknown[], Outputs> {
  (...inputs: Inputs): Outputs;
  /** Frees what was compiled; a later call compiles anew. */
  dispose(): void;
}

const isNest = (part: unknown): part is object => {
  if (part === undefined || part instanceof tf.Tensor) return false;
  if (typeof part === "object" && part !== null) return true;
  throw new TypeError(`a compiled function takes and returns tensors, in arrays and objects; received ${part}`);
};

/** The tensors in `nest`, arrays and objects of them. */
const flatten = (nest: unknown): tf.Tensor[] => {
  if (isNest(nest)) return Object.values(nest).flatMap(flatten);
  return nest === undefined ? [] : [nest as tf.Tensor];
};

/** `nest` with the next of `tensors` in place of each of its own. */
const refill = <T>(nest: T, tensors: Iterator<tf.Tensor>): T => {
  if (nest === undefined) return nest;
  if (!isNest(nest)) return tensors.next().value;
  if (Array.isArray(nest)) return nest.map((part) => refill(part, tensors)) as T;
  return Object.fromEntries(Object.entries(nest).map(([key, part]) => [key, refill(part, tensors)])) as T;
};

/** A text that is the same for two nests exactly if one function serves both. */
const signature = (nest: unknown, anyRows: boolean): string => {
  if (isNest(nest)) {
    const parts = Object.entries(nest).map(([key, part]) => `${JSON.stringify(key)}:${signature(part, anyRows)}`);
    return `${Array.isArray(nest) ? "list" : ""}{${parts}}`;
  }
  if (nest === undefined) return "-";
  const { dtype, shape } = nest as tf.Tensor;
  return `${dtype}[${anyRows ? ["*", ...shape.slice(1)] : shape}]`;
};

/**
 * Compiles a function of tensors: on an engine that can, the operations it runs are recorded once for each combination
 * of input shapes and types, and run as one from then on. On other engines the function runs as it is, within tidy.
 *
 * The function must be pure: tensors in, tensors out, each alone or in arrays and objects. Anything else it does happens
 * only while it is recorded. Tensors from outside that it uses are captured: the compiled function holds on to them until
 * it is disposed of. Gradients and optimizers may be inside. A compiled function within another, or within tfjs's
 * `grads`, runs as it is.
 *
 * @param fn may not read values or draw random numbers
 * @param options.xla whether XLA compiles it ({@linkcode Xla}), which takes seconds: a row's bits may then depend on the
 * size of the batch. Engines without XLA take no notice
 * @param options.byRow says that the first axis of each tensor that goes in or comes out counts rows, as many in all of
 * them, and that each is computed by itself: an engine that can compiles once for any number of them
 * @throws {TypeError} if something other than a tensor goes in or comes out
 * @throws {Error} if XLA cannot compile it
 * @throws {EngineError} if XLA would crash, since a graphics driver has loaded an LLVM of its own
 */
export const compile = <Inputs extends unknown[], Outputs>(
  fn: (...inputs: Inputs) => Outputs,
  { xla = false, byRow = false }: { xla?: Xla; byRow?: boolean } = {},
): Compiled<Inputs, Outputs> => {
  const known = new Map<string, { compiled: CompiledFunction; form: Outputs }>();

  const call = (...inputs: Inputs): Outputs => {
    const tensors = flatten(inputs);
    const backend = tf.backend() as unknown as Partial<Compiler>;
    if (!backend.compileFunction || backend.isTracing || tf.engine().isTapeOn()) {
      return tf.tidy(() => {
        const outputs = fn(...inputs);
        flatten(outputs);
        return outputs as tf.TensorContainer;
      }) as Outputs;
    }
    const anyRows = byRow && backend.takesAnyRows === true;
    const key = signature(inputs, anyRows);
    let entry = known.get(key);
    if (entry === undefined) {
      let form: Outputs;
      const trace = (symbols: tf.Tensor[]) => flatten(form = fn(...refill(inputs, symbols.values())));
      const make = (xla: boolean) => backend.compileFunction!(trace, tensors, { xla, anyRows });
      const compiled = xla === "measured" ? keepFaster(make(false), () => make(true), tensors) : make(xla);
      known.set(key, entry = { compiled, form: form! });
    }
    return refill(entry.form, entry.compiled.run(tensors).values());
  };

  return Object.assign(call, {
    dispose: () => {
      for (const { compiled } of known.values()) compiled.free();
      known.clear();
    },
  });
};

const ROUNDS = 3;

/** Milliseconds of a run, until its outputs can be read: devices answer before they are done. */
const timeOf = ({ run }: CompiledFunction, inputs: readonly tf.Tensor[]): number => {
  const started = performance.now();
  const outputs = run(inputs);
  const [smallest] = outputs.toSorted((a, b) => a.size - b.size);
  smallest?.dataSync();
  const milliseconds = performance.now() - started;
  for (const output of outputs) output.dispose();
  return milliseconds;
};

/**
 * Runs two forms of a function in turns, and keeps the one whose fastest run is shorter; the other is freed. The first
 * run of each, which may compile, is not counted.
 *
 * @param usual is kept if they are equal, or if the other cannot be made or run
 * @param make makes the other
 */
export const keepFaster = (
  usual: CompiledFunction,
  make: () => CompiledFunction,
  inputs: readonly tf.Tensor[],
): CompiledFunction => {
  let other: CompiledFunction | undefined;
  const best = [Infinity, Infinity];
  try {
    other = make();
    for (let round = 0; round <= ROUNDS; round++) {
      for (const [i, candidate] of [usual, other].entries()) {
        const milliseconds = timeOf(candidate, inputs);
        if (round > 0) best[i] = Math.min(best[i], milliseconds);
      }
    }
  } catch {
    best[1] = Infinity;
  }
  const isFaster = other !== undefined && best[1] < best[0];
  if (isFaster) usual.free();
  else other?.free();
  return isFaster ? other! : usual;
};
