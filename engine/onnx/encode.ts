import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";

/** Types of elements, by their numbers in `TensorProto.DataType`. */
export const ELEMENT_TYPES = { float32: 1, int32: 6, int64: 7, bool: 9, float16: 10 } as const;

/** A type of element. */
export type ElementType = keyof typeof ELEMENT_TYPES;

/** An attribute of a node; a number is an integer, a float is said so. */
export type NodeAttribute = number | string | readonly number[] | { readonly float: number };

/** An operation: the names of what goes in and comes out. */
export interface OnnxNode {
  readonly operator: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, NodeAttribute>>;
}

/** A stored tensor; its values are those of the type, float16 as bits. */
export interface OnnxTensor {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly number[];
  readonly values: ArrayBufferView;
}

/** An input or output; a text among its dimensions names one that may be of any size. */
export interface OnnxPort {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly (number | string)[];
}

/** A graph of standard operators. */
export interface OnnxModel {
  readonly nodes: readonly OnnxNode[];
  readonly initializers: readonly OnnxTensor[];
  readonly inputs: readonly OnnxPort[];
  readonly outputs: readonly OnnxPort[];
  /** What the file says of itself, by key. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/** Version of the standard operators: the oldest that has all that is used here. */
export const OPSET = 18;

/** The format that opset 18 came with. */
const IR_VERSION = 8;

const ATTRIBUTE_TYPES = { float: 1, integer: 2, text: 3, integers: 7 };

/** A message as its pieces: the weights are copied once, into the file. */
type Pieces = readonly Uint8Array[];

const write = (fill: (writer: BinaryWriter) => void): Uint8Array => {
  const writer = new BinaryWriter();
  fill(writer);
  return writer.finish();
};

const bytes = (field: number, pieces: Pieces): Pieces => {
  const length = pieces.reduce((sum, { length }) => sum + length, 0);
  return [write((writer) => writer.tag(field, WireType.LengthDelimited).uint32(length)), ...pieces];
};

const integer = (field: number, value: number): Pieces => [
  write((writer) => writer.tag(field, WireType.Varint).int64(value)),
];

const text = (field: number, value: string): Pieces => [
  write((writer) => writer.tag(field, WireType.LengthDelimited).string(value)),
];

const float = (field: number, value: number): Pieces => [
  write((writer) => writer.tag(field, WireType.Bit32).float(value)),
];

const attribute = (name: string, value: NodeAttribute): Pieces => {
  const typed = (type: keyof typeof ATTRIBUTE_TYPES, content: Pieces) => [
    ...text(1, name),
    ...content,
    ...integer(20, ATTRIBUTE_TYPES[type]),
  ];
  if (typeof value === "number") return typed("integer", integer(3, value));
  if (typeof value === "string") return typed("text", text(4, value));
  if ("float" in value) return typed("float", float(2, value.float));
  return typed("integers", value.flatMap((one) => integer(8, one)));
};

const node = ({ operator, inputs, outputs, attributes }: OnnxNode): Pieces => [
  ...inputs.flatMap((name) => text(1, name)),
  ...outputs.flatMap((name) => text(2, name)),
  ...text(3, outputs[0]),
  ...text(4, operator),
  ...Object.entries(attributes).flatMap(([name, value]) => bytes(5, attribute(name, value))),
];

const tensor = ({ name, type, shape, values }: OnnxTensor): Pieces => [
  ...shape.flatMap((size) => integer(1, size)),
  ...integer(2, ELEMENT_TYPES[type]),
  ...text(8, name),
  ...bytes(9, [new Uint8Array(values.buffer, values.byteOffset, values.byteLength)]),
];

const port = ({ name, type, shape }: OnnxPort): Pieces => {
  const dimensions = shape.flatMap((size) => bytes(1, typeof size === "string" ? text(2, size) : integer(1, size)));
  return [...text(1, name), ...bytes(2, bytes(1, [...integer(1, ELEMENT_TYPES[type]), ...bytes(2, dimensions)]))];
};

/** Writes a graph as the bytes of a `.onnx` file (`ModelProto` of onnx.proto3). */
export const encodeOnnx = (
  { nodes, initializers, inputs, outputs, metadata = {} }: OnnxModel,
): Uint8Array<ArrayBuffer> => {
  const graph = [
    ...nodes.flatMap((one) => bytes(1, node(one))),
    ...text(2, "denoise"),
    ...initializers.flatMap((one) => bytes(5, tensor(one))),
    ...inputs.flatMap((one) => bytes(11, port(one))),
    ...outputs.flatMap((one) => bytes(12, port(one))),
  ];
  const pieces = [
    ...integer(1, IR_VERSION),
    ...text(2, "denoise"),
    ...bytes(7, graph),
    ...bytes(8, integer(2, OPSET)),
    ...Object.entries(metadata).flatMap(([key, value]) => bytes(14, [...text(1, key), ...text(2, value)])),
  ];
  const file = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    file.set(piece, at);
    at += piece.length;
  }
  return file;
};
