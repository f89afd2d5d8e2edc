import type { Attribute } from "./attributes.ts";
import type { Context } from "./context.ts";
import { deleteHandle, describe, execute, shareHandle, type TensorType } from "./eager.ts";
import { Graph, type Node } from "./graph.ts";
import type { Values } from "./host_tensor.ts";

/** A function that TensorFlow knows: tensors in, tensors out, one call. */
export interface TensorFunction {
  /** Runs it on handles; what it returns must be freed. */
  run(inputs: readonly Deno.PointerValue[]): Deno.PointerValue[];
  /** Makes TensorFlow forget it, and frees the tensors it captured. */
  free(): void;
}

interface Capture {
  readonly node: Node;
  readonly handle: Deno.PointerValue;
}

let functions = 0;

/** The record of a function's operations, as nodes of a graph that stand for its tensors by id. */
export class Trace {
  readonly #context: Context;
  readonly #graph: Graph;
  readonly #nodes = new Map<number, Node>();
  readonly #captures = new Map<number, Capture>();

  constructor(context: Context) {
    this.#context = context;
    this.#graph = new Graph(context);
  }

  input(id: number, type: TensorType): void {
    this.#nodes.set(id, this.#graph.placeholder(type));
  }

  constant(id: number, tensor: TensorType & { values: Values }): void {
    this.#nodes.set(id, this.#graph.constant(tensor));
  }

  /** A tensor of the trace; or one from outside, by its handle, which becomes an input that each call gives. */
  node(id: number, outside: () => Deno.PointerValue): Node {
    const node = this.#nodes.get(id) ?? this.#captures.get(id)?.node;
    if (node !== undefined) return node;
    const handle = shareHandle(this.#context, outside());
    const captured = this.#graph.placeholder(describe(this.#context, handle));
    this.#captures.set(id, { node: captured, handle });
    return captured;
  }

  operation(name: string, attributes: readonly Attribute[], inputs: readonly Node[], nextId: () => number) {
    return this.#graph.operation(name, attributes, inputs).map((node) => {
      const id = nextId();
      this.#nodes.set(id, node);
      return { id, shape: [...node.shape], dtype: node.dtype };
    });
  }

  /** Ends the trace: what was recorded becomes a function of the tensors with these ids. */
  toFunction(inputs: readonly number[], outputs: readonly Node[]): TensorFunction {
    const context = this.#context;
    const name = `Compiled_${functions++}`;
    const captures = [...this.#captures.values()];
    const placeholders = [...inputs.map((id) => this.#nodes.get(id)!), ...captures.map(({ node }) => node)];
    this.#graph.addFunction(name, placeholders, outputs);
    this.#graph.free();
    const captured = captures.map(({ handle }) => handle);
    return {
      run: (handles) => execute(context, name, [], [...handles, ...captured], outputs.length),
      free: () => {
        for (const handle of captured) deleteHandle(context, handle);
        const { symbols, pointer, status, live } = context;
        symbols.TFE_ContextRemoveFunction(pointer, new TextEncoder().encode(`${name}\0`), status.pointer);
        live.functions--;
        status.check(`free ${name}`);
      },
    };
  }

  /** Ends the trace without a function. */
  abandon(): void {
    for (const { handle } of this.#captures.values()) deleteHandle(this.#context, handle);
    this.#graph.free();
  }
}
