import * as tf from "@tensorflow/tfjs-core";

/** A function traced for inputs of certain shapes. */
export interface CompiledFunction {
  run(inputs: readonly tf.Tensor[]): tf.Tensor[];
  free(): void;
}

/** What a backend that can compile has. */
export interface Compiler {
  /** Whether a function is being traced at this moment. */
  readonly isTracing: boolean;
  compileFunction(compute: (inputs: tf.Tensor[]) => tf.Tensor[], examples: readonly tf.Tensor[]): CompiledFunction;
}

/** Tensors in arrays and objects, as tfjs nests them. */
type Nest = tf.Tensor | readonly Nest[] | { readonly [key: string]: Nest };

/** A function made by {@linkcode compile}. */
export interface Compiled<R extends Nest> {
  (...inputs: tf.Tensor[]): R;
  /** Frees what was compiled; a later call compiles anew. */
  dispose(): void;
}

const isTensor = (nest: Nest): nest is tf.Tensor => nest instanceof tf.Tensor;

const flatten = (nest: Nest): tf.Tensor[] => isTensor(nest) ? [nest] : Object.values(nest).flatMap(flatten);

/** Puts the next of `tensors` in place of each tensor of `nest`. */
const refill = (nest: Nest, tensors: Iterator<tf.Tensor>): Nest => {
  if (isTensor(nest)) return tensors.next().value!;
  if (Array.isArray(nest)) return nest.map((part) => refill(part, tensors));
  return Object.fromEntries(Object.entries(nest).map(([key, part]) => [key, refill(part, tensors)]));
};

/**
 * Compiles a function of tensors: on an engine that can, the operations it runs are recorded once for each combination
 * of input shapes and types, and run as one from then on. On other engines the function runs as it is, within tidy.
 *
 * The function must be pure: tensors in, tensors out. What it computes on the side happens only while it is recorded.
 * Tensors from outside that it uses are captured as they are then: the compiled function holds on to them until it is
 * disposed of. Gradients and optimizers may be inside; a compiled function within another, or within tfjs's `grads`, runs
 * as it is.
 *
 * @param fn returns a tensor, or arrays and objects of them; it may not read values or draw random numbers
 */
export const compile = <R extends Nest>(fn: (...inputs: tf.Tensor[]) => R): Compiled<R> => {
  const known = new Map<string, { compiled: CompiledFunction; form: Nest; compiler: Compiler }>();

  const call = (...inputs: tf.Tensor[]): R => {
    const backend = tf.backend() as unknown as Partial<Compiler>;
    if (!backend.compileFunction || backend.isTracing || tf.engine().isTapeOn()) {
      // deno-lint-ignore no-explicit-any
      return tf.tidy(() => fn(...inputs) as any) as R;
    }
    const key = inputs.map(({ shape, dtype }) => `${dtype}[${shape}]`).join();
    let entry = known.get(key);
    if (entry === undefined) {
      let form: Nest;
      const compiled = backend.compileFunction((symbols) => flatten(form = fn(...symbols)), inputs);
      known.set(key, entry = { compiled, form: form!, compiler: backend as Compiler });
    }
    const { compiled, form } = entry;
    return refill(form, compiled.run(inputs).values()) as R;
  };

  return Object.assign(call, {
    dispose: () => {
      for (const { compiled } of known.values()) compiled.free();
      known.clear();
    },
  });
};
