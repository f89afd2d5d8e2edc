import { addressOf, cString, readBytes, type Symbols, toPointer } from "./c_api.ts";
import type { Context } from "./context.ts";
import { type Attribute, ATTRIBUTE_KINDS, setAttributes, type TensorType } from "./eager.ts";
import { type Values, withHostTensor } from "./host_tensor.ts";
import { refuseForeignLlvm } from "./xla.ts";

/** What a graph must know of an operation before it can have one. */
export interface OpDef {
  /** For each input, in order, whether it takes a list of tensors. */
  readonly inputs: readonly { name: string; isList: boolean }[];
  /** Whether two calls with the same inputs may return different things: random numbers, variables. */
  readonly isStateful: boolean;
}

/** Fields of OpDef and ArgDef in op_def.proto. */
const INPUT_ARG = 2, IS_STATEFUL = 17;
const NAME = 1, NUMBER_ATTR = 5, TYPE_LIST_ATTR = 6;

interface Field {
  readonly number: number;
  readonly value: number;
  readonly bytes: Uint8Array;
}

const NONE = new Uint8Array(0);

/** The fields of a serialized protobuf message, of the two kinds that an OpDef has: varints and bytes. */
const fields = function* (message: Uint8Array): Generator<Field> {
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let scale = 1;; scale *= 128) {
      const byte = message[at++];
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  };
  while (at < message.length) {
    const tag = varint();
    const value = varint();
    const isBytes = (tag & 7) === 2;
    yield { number: tag >> 3, value, bytes: isBytes ? message.subarray(at, at + value) : NONE };
    if (isBytes) at += value;
  }
};

const parseInput = (argument: Uint8Array): OpDef["inputs"][number] => {
  let name = "", isList = false;
  for (const { number, bytes } of fields(argument)) {
    if (number === NAME) name = new TextDecoder().decode(bytes);
    if ((number === NUMBER_ATTR || number === TYPE_LIST_ATTR) && bytes.length > 0) isList = true;
  }
  return { name, isList };
};

/** Reads a serialized `tensorflow.OpDef`. */
const parseOpDef = (message: Uint8Array): OpDef => {
  const inputs: OpDef["inputs"][number][] = [];
  let isStateful = false;
  for (const { number, value, bytes } of fields(message)) {
    if (number === INPUT_ARG) inputs.push(parseInput(bytes));
    if (number === IS_STATEFUL) isStateful = value !== 0;
  }
  return { inputs, isStateful };
};

/**
 * Deals flat inputs out to an operation's arguments: one each, and what is left to the one that takes a list.
 *
 * @throws {RangeError} if they cannot be dealt out
 */
const splitInputs = <T>(name: string, { inputs }: OpDef, flat: readonly T[]): (T | T[])[] => {
  const lists = inputs.filter(({ isList }) => isList).length;
  const listLength = flat.length - (inputs.length - lists);
  if (lists > 1 || listLength < 0 || (lists === 0 && listLength > 0)) {
    throw new RangeError(`Cannot compile ${name}: it takes ${inputs.length} inputs, received ${flat.length}`);
  }
  let at = 0;
  return inputs.map(({ isList }) => {
    if (!isList) return flat[at++];
    at += listLength;
    return flat.slice(at - listLength, at);
  });
};

/** A tensor of a graph: it has a shape and a type, and no values yet. */
export interface Node extends TensorType {
  /** A TF_Output: the operation's address and the output's index. */
  readonly output: Uint8Array<ArrayBuffer>;
}

/** The attribute, of a function and of its call, that has XLA compile it. */
export const XLA = "_XlaMustCompile";

/** A `tensorflow.AttrValue` of true (attr_value.proto, field 5). */
const TRUE = Uint8Array.of(5 << 3, 1);

const OUTPUT_BYTES = 16;

const toOutput = (symbols: Symbols, operation: Deno.PointerValue, index: number): Uint8Array<ArrayBuffer> => {
  const bytes = new Uint8Array(OUTPUT_BYTES);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, addressOf(symbols, operation), true);
  view.setInt32(8, index, true);
  return bytes;
};

const packOutputs = (nodes: readonly Node[]): Uint8Array<ArrayBuffer> => {
  const bytes = new Uint8Array(Math.max(1, nodes.length) * OUTPUT_BYTES);
  nodes.forEach(({ output }, i) => bytes.set(output, i * OUTPUT_BYTES));
  return bytes;
};

/** A TensorFlow graph in the making. */
export class Graph {
  readonly #context: Context;
  readonly #pointer: Deno.PointerValue;
  readonly #definitions = new Map<string, OpDef>();
  #operations = 0;

  constructor(context: Context) {
    this.#context = context;
    this.#pointer = context.symbols.TF_NewGraph();
    context.live.graphs++;
  }

  /** A tensor that each call gives. */
  placeholder({ shape, dtype }: TensorType): Node {
    const operation = this.#build("Placeholder", (description) =>
      setAttributes(this.#context, "TF_", description, [
        { name: "dtype", type: ATTRIBUTE_KINDS.TF_ATTR_TYPE, value: dtype },
        { name: "shape", type: ATTRIBUTE_KINDS.TF_ATTR_SHAPE, value: shape },
      ]));
    return { shape: [...shape], dtype, output: toOutput(this.#context.symbols, operation, 0) };
  }

  /** A tensor whose values are the same in each call. */
  constant(tensor: TensorType & { values: Values }): Node {
    const { symbols, status } = this.#context;
    const { shape, dtype } = tensor;
    const operation = withHostTensor(
      this.#context,
      tensor,
      (values) =>
        this.#build("Const", (description) => {
          symbols.TF_SetAttrTensor(description, cString("value"), values, status.pointer);
          symbols.TF_SetAttrType(description, cString("dtype"), dtype);
        }),
    );
    return { shape: [...shape], dtype, output: toOutput(this.#context.symbols, operation, 0) };
  }

  /**
   * Adds an operation.
   *
   * @throws {Error} if its outputs have no fixed shape, or it gives other values each time
   */
  operation(name: string, attributes: readonly Attribute[], inputs: readonly Node[]): Node[] {
    const { symbols } = this.#context;
    const definition = this.#definition(name);
    if (definition.isStateful) {
      throw new Error(`Cannot compile ${name}: it gives other values each time; make them outside, and pass them in`);
    }
    const dealt = splitInputs(name, definition, inputs);
    const operation = this.#build(name, (description) => {
      for (const input of dealt) {
        if (Array.isArray(input)) symbols.TF_AddInputList(description, packOutputs(input), input.length);
        else symbols.TF_AddInput(description, input.output);
      }
      setAttributes(this.#context, "TF_", description, attributes);
    });
    return Array.from(
      { length: symbols.TF_OperationNumOutputs(operation) },
      (_, i) => this.#node(name, toOutput(this.#context.symbols, operation, i)),
    );
  }

  /**
   * Makes the context know the graph as a function of `inputs`.
   *
   * @param name starts with a capital
   * @param options.xla have XLA compile it, when it is first called
   * @throws {EngineError} if XLA would crash then
   */
  addFunction(name: string, inputs: readonly Node[], outputs: readonly Node[], { xla }: { xla: boolean }): void {
    const { symbols, pointer, status, live } = this.#context;
    if (xla) refuseForeignLlvm(symbols);
    const body = symbols.TF_GraphToFunction(
      this.#pointer,
      cString(name),
      0,
      -1,
      null,
      inputs.length,
      packOutputs(inputs),
      outputs.length,
      packOutputs(outputs),
      null,
      null,
      null,
      status.pointer,
    );
    status.check("compile a function");
    try {
      if (xla) {
        symbols.TF_FunctionSetAttrValueProto(body, cString(XLA), TRUE, BigInt(TRUE.length), status.pointer);
        status.check("compile a function with XLA");
      }
      symbols.TFE_ContextAddFunction(pointer, body, status.pointer);
      status.check("compile a function");
      live.functions++;
    } finally {
      symbols.TF_DeleteFunction(body);
    }
  }

  free(): void {
    this.#context.symbols.TF_DeleteGraph(this.#pointer);
    this.#context.live.graphs--;
  }

  #build(name: string, fill: (description: Deno.PointerValue) => void): Deno.PointerValue {
    const { symbols, status } = this.#context;
    const description = symbols.TF_NewOperation(
      this.#pointer,
      cString(name),
      new TextEncoder().encode(`${name}_${this.#operations++}\0`),
    );
    let error: unknown;
    try {
      fill(description);
    } catch (thrown) {
      error = thrown;
    }
    // Frees the description, too.
    const operation = symbols.TF_FinishOperation(description, status.pointer);
    if (error !== undefined) {
      symbols.TF_SetStatus(status.pointer, 0, cString(""));
      throw error;
    }
    status.check(`compile ${name}`);
    return operation;
  }

  #node(name: string, output: Uint8Array<ArrayBuffer>): Node {
    const { symbols, status } = this.#context;
    const dtype = symbols.TF_OperationOutputType(output);
    const rank = symbols.TF_GraphGetTensorNumDims(this.#pointer, output, status.pointer);
    status.check(`compile ${name}`);
    const dims = new BigInt64Array(Math.max(1, rank));
    if (rank > 0) {
      symbols.TF_GraphGetTensorShape(this.#pointer, output, dims, rank, status.pointer);
      status.check(`compile ${name}`);
    }
    const shape = Array.from(dims.subarray(0, Math.max(0, rank)), Number);
    if (rank < 0 || shape.some((n) => n < 0)) {
      throw new Error(`Cannot compile ${name}: the shape of what it returns depends on values`);
    }
    return { shape, dtype, output };
  }

  #definition(name: string): OpDef {
    const known = this.#definitions.get(name);
    if (known !== undefined) return known;
    const { symbols, status } = this.#context;
    const buffer = symbols.TF_NewBuffer();
    try {
      symbols.TF_GraphGetOpDef(this.#pointer, cString(name), buffer, status.pointer);
      status.check(`compile ${name}`);
      // A TF_Buffer starts with the data's address and length.
      const [data, length] = new BigUint64Array(readBytes(symbols, buffer, 16).buffer);
      const definition = parseOpDef(readBytes(symbols, toPointer(symbols, data), Number(length)));
      this.#definitions.set(name, definition);
      return definition;
    } finally {
      symbols.TF_DeleteBuffer(buffer);
    }
  }
}
