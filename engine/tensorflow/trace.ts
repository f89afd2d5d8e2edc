import { createHash } from "node:crypto";
import type { Context } from "./context.ts";
import {
  type Attribute,
  ATTRIBUTE_KINDS,
  deleteHandle,
  executeOperation,
  shareHandle,
  type TensorType,
  tensorType,
} from "./eager.ts";
import { Graph, type Node, XLA } from "./graph.ts";
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
const alike = new Map<string, number>();

/** XLA's cache goes by the name: one that is the same in every process for the same operations and types. */
const nameForXla = (operations: readonly string[], inputs: readonly TensorType[]): string => {
  const types = inputs.map(({ dtype, shape }) => `${dtype}[${shape}]`);
  const key = createHash("sha256").update(`${operations}(${types})`).digest("hex").slice(0, 16);
  const count = alike.get(key) ?? 0;
  alike.set(key, count + 1);
  return `Compiled_${key}_${count}`;
};

/** The record of a function's operations, as nodes of a graph that stand for its tensors by id. */
export class Trace {
  readonly #context: Context;
  readonly #graph: Graph;
  readonly #nodes = new Map<number, Node>();
  readonly #captures = new Map<number, Capture>();
  readonly #operations: string[] = [];

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
    const captured = this.#graph.placeholder(tensorType(this.#context, handle));
    this.#captures.set(id, { node: captured, handle });
    return captured;
  }

  operation(name: string, attributes: readonly Attribute[], inputs: readonly Node[], nextId: () => number) {
    this.#operations.push(name);
    return this.#graph.operation(name, attributes, inputs).map((node) => {
      const id = nextId();
      this.#nodes.set(id, node);
      return { id, shape: [...node.shape], dtype: node.dtype };
    });
  }

  /** Ends the trace: what was recorded becomes a function of the tensors with these ids. */
  toFunction(inputs: readonly number[], outputs: readonly Node[], { xla }: { xla: boolean }): TensorFunction {
    const context = this.#context;
    const captures = [...this.#captures.values()];
    const placeholders = [...inputs.map((id) => this.#nodes.get(id)!), ...captures.map(({ node }) => node)];
    const name = xla ? nameForXla(this.#operations, placeholders) : `Compiled_${functions++}`;
    this.#graph.addFunction(name, placeholders, outputs, { xla });
    this.#graph.free();
    const attributes = xla ? [{ name: XLA, type: ATTRIBUTE_KINDS.TF_ATTR_BOOL, value: true }] : [];
    const captured = captures.map(({ handle }) => handle);
    return {
      run: (handles) => executeOperation(context, name, attributes, [...handles, ...captured], outputs.length),
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
