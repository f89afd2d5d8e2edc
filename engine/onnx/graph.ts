import { roundToFloat16 } from "../float16.ts";
import {
  ELEMENT_TYPES,
  type ElementType,
  encodeOnnx,
  type NodeAttribute,
  type OnnxNode,
  type OnnxPort,
} from "./encode.ts";
import { type HostValues, isSame, longAxes, plainOrder, reorder } from "../order.ts";

/**
 * Stands for any number of rows while a function is recorded: a prime that no layer is as wide as, so that a dimension
 * that is a multiple of it is one of the batch.
 */
export const ANY_ROWS = 10007;

/** What the dimension of the batch is called in a file. */
const BATCH = "batch";

/**
 * A tensor of the graph.
 *
 * Its axes may lie in memory in another order than that of its shape, so that images are NCHW inside, which runtimes are
 * fast on, while whoever records sees NHWC: a transposition is noted, not computed, until an operation cannot do without.
 */
export interface Value {
  /** Its name in the file; a constant gets one when it is used. */
  readonly name: string;
  /** As the recorded function sees it; a multiple of {@linkcode ANY_ROWS} is of the batch. */
  readonly shape: readonly number[];
  /** The axis of `shape` that lies at each place in memory, outermost first. */
  readonly order: readonly number[];
  readonly type: ElementType;
  /** What a constant holds, its axes in an order of their own: they are put into `order` when the file is written. */
  readonly constant?: { readonly values: HostValues; readonly order: readonly number[] };
}

/** Images with the channels outermost, of a shape that is [B, H, W, C]. */
export const NCHW = [0, 3, 1, 2];

/** The dimensions of a tensor as it lies in memory. */
export const dimensionsOf = ({ shape, order }: Value): number[] => order.map((axis) => shape[axis]);

/** Whether a dimension is of the batch. */
export const isOfBatch = (size: number): boolean => size > 0 && size % ANY_ROWS === 0;

/** The same, the batch named. */
const namedDimensions = (value: Value): (number | string)[] =>
  dimensionsOf(value).map((size) => {
    if (!isOfBatch(size)) return size;
    return size === ANY_ROWS ? BATCH : `${size / ANY_ROWS}*${BATCH}`;
  });

/** Axes of two shapes that hold the same elements, in order: of [2, 3, 4] and [6, 2, 2], [0, 1] and [0], [2] and [1, 2]. */
const matchAxes = (from: readonly number[], to: readonly number[]): { from: number[]; to: number[] }[] => {
  const groups: { from: number[]; to: number[] }[] = [];
  for (let i = 0, j = 0; i < from.length || j < to.length;) {
    const group = { from: [] as number[], to: [] as number[] };
    let left = 1, right = 1;
    do {
      if (i < from.length && (left <= right || j === to.length)) left *= from[group.from[group.from.push(i++) - 1]];
      else right *= to[group.to[group.to.push(j++) - 1]];
    } while (left !== right);
    groups.push(group);
  }
  return groups;
};

const toHalf = (name: string, values: Float32Array): Float16Array => {
  try {
    return roundToFloat16(values);
  } catch (cause) {
    throw new RangeError(`${name}: ${(cause as Error).message}`, { cause });
  }
};

/** A constant that keeps its name, shape and layout in the file, whatever it is used as. */
export interface OnnxParameter {
  readonly name: string;
  readonly shape: readonly number[];
  /** What its values are stored and, with those that they meet, computed in. */
  readonly type: "float32" | "float16";
}

/** The record of a function as a graph of ONNX's standard operators. */
export class OnnxGraph {
  readonly #nodes: OnnxNode[] = [];
  /** Outputs of each node by what it computes, so that nothing is computed twice. */
  readonly #known = new Map<string, readonly string[]>();
  /** What was reshaped, by the name of the result. */
  readonly #reshapes = new Map<string, Value>();
  readonly #inputs: OnnxPort[] = [];
  readonly #constants = new Map<string, Value>();
  /** Names of constants by their values and how they are used. */
  readonly #stored = new Map<HostValues, Map<string, string>>();
  readonly #integers = new Map<string, Value>();
  readonly #parameters: ReadonlyMap<HostValues, OnnxParameter>;
  #names = 0;

  /** @param parameters by their values, which are those of constants to come */
  constructor(parameters: ReadonlyMap<HostValues, OnnxParameter> = new Map()) {
    this.#parameters = parameters;
  }

  #newName(): string {
    return `v${this.#names++}`;
  }

  /** A tensor that each call gives. */
  input(name: string, shape: readonly number[], type: ElementType): Value {
    const value = { name, shape, order: plainOrder(shape.length), type };
    this.#inputs.push({ name, type, shape: namedDimensions(value) });
    return value;
  }

  /**
   * A tensor of known values.
   *
   * @param order in which its axes lie; that of the shape if not given
   * @throws {RangeError} if a dimension could be taken for one of the batch
   */
  constant(
    values: HostValues,
    shape: readonly number[],
    type: ElementType,
    order: readonly number[] = plainOrder(shape.length),
  ): Value {
    const large = shape.find(isOfBatch);
    if (large !== undefined) {
      throw new RangeError(`Cannot record a constant of shape [${shape}]: ${large} stands for any number of rows`);
    }
    return { name: "", shape, order, type: this.#parameters.get(values)?.type ?? type, constant: { values, order } };
  }

  /**
   * Integers as operators take them: axes, sizes, repetitions.
   *
   * @throws {RangeError} if one would be of the batch, whose size no constant can say
   */
  integers(values: readonly number[]): Value {
    const large = values.find(isOfBatch);
    if (large !== undefined) throw new RangeError(`Cannot record [${values}]: ${large} stands for any number of rows`);
    return this.#integers.getOrInsertComputed(
      values.join(),
      () => this.constant(BigInt64Array.from(values.map(BigInt)), [values.length], "int64"),
    );
  }

  #nameIn(value: Value): string {
    const { constant, order, type } = value;
    if (constant === undefined) return value.name;
    const parameter = this.#parameters.get(constant.values);
    if (parameter !== undefined) return this.#useOf(value, constant, parameter).name;
    const uses = this.#stored.getOrInsertComputed(constant.values, () => new Map());
    const dimensions = dimensionsOf(value);
    const isMoved = !isSame(longAxes(value.shape, constant.order), longAxes(value.shape, order));
    return uses.getOrInsertComputed(`${dimensions} ${type} ${isMoved ? order : ""}`, () => {
      const name = this.#newName();
      this.#constants.set(name, value);
      return name;
    });
  }

  /** A parameter in another shape, order or type than it is stored in comes from nodes, which a runtime computes once. */
  #useOf(
    { shape, order, type }: Value,
    { values, order: given }: NonNullable<Value["constant"]>,
    parameter: OnnxParameter,
  ): Value {
    const stored = { ...parameter, order: plainOrder(parameter.shape.length) };
    this.#constants.set(parameter.name, { ...stored, constant: { values, order: stored.order } });
    return this.cast(this.inOrder(this.#reshaped(stored, shape, given), order), type);
  }

  /**
   * Adds a node, or finds the one that computes the same.
   *
   * @param outputs shape, order and type of each
   */
  nodes(
    operator: string,
    inputs: readonly Value[],
    attributes: Readonly<Record<string, NodeAttribute>>,
    outputs: readonly Pick<Value, "shape" | "order" | "type">[],
  ): Value[] {
    const names = inputs.map((value) => this.#nameIn(value));
    const results = this.#known.getOrInsertComputed(JSON.stringify([operator, names, attributes]), () => {
      const made = outputs.map(() => this.#newName());
      this.#nodes.push({ operator, inputs: names, outputs: made, attributes });
      return made;
    });
    return outputs.map(({ shape, order, type }, i) => ({ name: results[i], shape, order, type }));
  }

  /** Adds a node of one output. */
  node(
    operator: string,
    inputs: readonly Value[],
    output: Pick<Value, "shape" | "order" | "type">,
    attributes: Readonly<Record<string, NodeAttribute>> = {},
  ): Value {
    return this.nodes(operator, inputs, attributes, [output])[0];
  }

  /** Gives a tensor, as it lies in memory, other dimensions. */
  #reshaped(x: Value, shape: readonly number[], order: readonly number[]): Value {
    const source = this.#reshapes.get(x.name) ?? x;
    const result = { name: source.name, shape, order, type: x.type };
    const dimensions = dimensionsOf(result);
    if (isSame(dimensions, dimensionsOf(source))) return result;
    if (dimensions.filter(isOfBatch).length > 1) {
      throw new RangeError(`Cannot record the shape [${shape}]: more than one dimension is of the batch`);
    }
    const sizes = this.integers(dimensions.map((size) => isOfBatch(size) ? -1 : size));
    const reshaped = this.node("Reshape", [source, sizes], result);
    this.#reshapes.set(reshaped.name, source);
    return reshaped;
  }

  /** The same tensor, with its axes in another order in memory. */
  inOrder(x: Value, order: readonly number[]): Value {
    if (isSame(x.order, order)) return x;
    if (x.constant !== undefined) return { ...x, order };
    if (isSame(longAxes(x.shape, x.order), longAxes(x.shape, order))) return this.#reshaped(x, x.shape, order);
    const perm = order.map((axis) => x.order.indexOf(axis));
    return this.node("Transpose", [x], { ...x, order }, { perm });
  }

  /** The same tensor, with its axes in memory in the order of its shape. */
  plain(x: Value): Value {
    return this.inOrder(x, plainOrder(x.shape.length));
  }

  /** The same elements in another shape; axes stay in their order in memory where they can. */
  reshape(x: Value, shape: readonly number[]): Value {
    if (isSame(x.shape, shape)) return x;
    if (x.constant !== undefined) {
      const { values, order } = x.constant;
      return this.constant(reorder(values, x.shape, order, plainOrder(order.length)), shape, x.type);
    }
    const groups = matchAxes(x.shape, shape);
    const long = longAxes(x.shape, x.order);
    const places = groups.map(({ from }) =>
      from.filter((axis) => x.shape[axis] !== 1).map((axis) => long.indexOf(axis))
    );
    const isTogether = places.every((at) => at.every((place, i) => i === 0 || place === at[i - 1] + 1));
    if (!isTogether) return this.#reshaped(this.plain(x), shape, plainOrder(shape.length));
    let last = -1;
    const sorted = groups
      .map(({ to }, i) => ({ to, place: last = places[i][0] ?? last }))
      .toSorted((a, b) => a.place - b.place);
    return this.#reshaped(x, shape, sorted.flatMap(({ to }) => to));
  }

  /** The same elements with the axes of the shape in another order, which computes nothing. */
  transpose(x: Value, perm: readonly number[]): Value {
    const moved = (order: readonly number[]) => order.map((axis) => perm.indexOf(axis));
    const constant = x.constant && { ...x.constant, order: moved(x.constant.order) };
    return { ...x, shape: perm.map((axis) => x.shape[axis]), order: moved(x.order), constant };
  }

  /** The same numbers in another type. */
  cast(x: Value, type: ElementType): Value {
    if (x.type === type) return x;
    if (x.constant?.values instanceof Float32Array && type === "float16") return { ...x, type };
    return this.node("Cast", [x], { ...x, type }, { to: ELEMENT_TYPES[type] });
  }

  /**
   * Ends the record.
   *
   * @param outputs by the name that each gets
   * @returns the bytes of a `.onnx` file
   * @throws {RangeError} if a constant has a value that is too large for float16
   */
  encode(outputs: Readonly<Record<string, Value>>, metadata?: Record<string, string>): Uint8Array<ArrayBuffer> {
    const ports: OnnxPort[] = [];
    const produced = new Set(this.#nodes.flatMap(({ outputs }) => outputs));
    const renamed = new Map<string, string>();
    const nodes: OnnxNode[] = [];
    for (const [name, value] of Object.entries(outputs)) {
      ports.push({ name, type: value.type, shape: namedDimensions(value) });
      const inner = this.#nameIn(value);
      // A node that only copies would be one more pass over the memory: what computes the output is named after it.
      if (produced.has(inner) && !renamed.has(inner)) renamed.set(inner, name);
      else nodes.push({ operator: "Identity", inputs: [renamed.get(inner) ?? inner], outputs: [name], attributes: {} });
    }
    const rename = (name: string) => renamed.get(name) ?? name;
    const needed = new Set([...nodes.flatMap(({ inputs }) => inputs), ...ports.map(({ name }) => name)]);
    for (const { operator, inputs, outputs, attributes } of this.#nodes.toReversed()) {
      const node = { operator, inputs: inputs.map(rename), outputs: outputs.map(rename), attributes };
      if (!node.outputs.some((name) => needed.has(name))) continue;
      for (const name of node.inputs) needed.add(name);
      nodes.unshift(node);
    }
    const initializers = Array.from(this.#constants)
      .filter(([name]) => needed.has(name))
      .map(([name, value]) => {
        const { values, order } = value.constant!;
        const laid = reorder(values, value.shape, order, value.order);
        const stored = value.type === "float16" ? toHalf(name, laid as Float32Array) : laid;
        return { name, type: value.type, shape: dimensionsOf(value), values: stored };
      });
    return encodeOnnx({ nodes, initializers, inputs: this.#inputs, outputs: ports, metadata });
  }
}
