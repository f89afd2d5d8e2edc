import { addressOf, readBytes, type Symbols, toPointer, writeBytes } from "./c_api.ts";
import type { Context } from "./context.ts";

/** TensorFlow's data types (`tf_datatype.h`) that tensors have here, by the names of tfjs-node's interface. */
export const DATA_TYPES = {
  TF_FLOAT: 1,
  TF_INT32: 3,
  TF_UINT8: 4,
  TF_STRING: 7,
  TF_COMPLEX64: 8,
  TF_INT64: 9,
  TF_BOOL: 10,
  TF_RESOURCE: 20,
} as const;

/** Numbers of one type, side by side. */
export type Numbers =
  | Float32Array<ArrayBuffer>
  | Int32Array<ArrayBuffer>
  | Uint8Array<ArrayBuffer>
  | BigInt64Array<ArrayBuffer>;

interface NumberType {
  /** Bytes an element. */
  readonly bytes: number;
  readonly Values: {
    new (buffer: ArrayBuffer): Numbers;
    from(values: Iterable<never>): Numbers;
  };
}

const NUMBER_TYPES: Record<number, NumberType> = {
  [DATA_TYPES.TF_FLOAT]: { bytes: 4, Values: Float32Array },
  [DATA_TYPES.TF_INT32]: { bytes: 4, Values: Int32Array },
  [DATA_TYPES.TF_UINT8]: { bytes: 1, Values: Uint8Array },
  // Real and imaginary part in turns.
  [DATA_TYPES.TF_COMPLEX64]: { bytes: 8, Values: Float32Array },
  [DATA_TYPES.TF_INT64]: { bytes: 8, Values: BigInt64Array },
  [DATA_TYPES.TF_BOOL]: { bytes: 1, Values: Uint8Array },
};

/** @throws {TypeError} if tensors of this type hold no numbers, or none that JavaScript knows */
const numberType = (dtype: number): NumberType => {
  const type = NUMBER_TYPES[dtype];
  if (type === undefined) throw new TypeError(`dtype must be one that tfjs knows, received TensorFlow's ${dtype}`);
  return type;
};

/** Size of a TF_TString. */
const STRING_BYTES = 24;

const stringsAt = (symbols: Symbols, data: Deno.PointerValue, count: number): Deno.PointerValue[] => {
  const address = addressOf(symbols, data);
  return Array.from({ length: count }, (_, i) => toPointer(symbols, address + BigInt(i * STRING_BYTES)));
};

/** Makes strings in a tensor's fresh memory. */
const writeStrings = (symbols: Symbols, data: Deno.PointerValue, values: readonly Uint8Array[]): void =>
  stringsAt(symbols, data, values.length).forEach((string, i) => {
    symbols.TF_StringInit(string);
    symbols.TF_StringCopy(string, values[i] as Uint8Array<ArrayBuffer>, BigInt(values[i].length));
  });

/** Frees what the strings hold: TensorFlow does not, for memory that we allocated. */
const freeStrings = (symbols: Symbols, data: Deno.PointerValue, count: number): void =>
  stringsAt(symbols, data, count).forEach((string) => symbols.TF_StringDealloc(string));

/** Copies a tensor's strings. */
const readStrings = (symbols: Symbols, data: Deno.PointerValue, count: number): Uint8Array[] =>
  stringsAt(symbols, data, count).map((string) =>
    readBytes(symbols, symbols.TF_StringGetDataPointer(string), Number(symbols.TF_StringGetSize(string)))
  );

/** A tensor's values as tfjs keeps them: numbers, or strings as UTF-8. */
export type Values = ArrayLike<number> | ArrayLike<bigint> | readonly Uint8Array[];

const sizeOf = (shape: readonly number[]): number => shape.reduce((product, n) => product * n, 1);

const asBytes = (values: Values, dtype: number, bytes: number): Uint8Array => {
  const { Values } = numberType(dtype);
  // tfjs-node gives an int64 as pairs of int32.
  const numbers = ArrayBuffer.isView(values) && values.byteLength === bytes && (values instanceof Values ||
      dtype === DATA_TYPES.TF_INT64)
    ? values
    : Values.from(values as Iterable<never>);
  return new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
};

/**
 * Lends a TF_Tensor with these values to `use`, and frees it.
 *
 * @throws {RangeError} if there are not as many values as the shape asks for
 */
export const withHostTensor = <T>(
  { symbols, live }: Context,
  { dtype, shape, values }: { dtype: number; shape: readonly number[]; values: Values },
  use: (tensor: Deno.PointerValue) => T,
): T => {
  const count = sizeOf(shape);
  const isString = dtype === DATA_TYPES.TF_STRING;
  const length = count * (isString ? STRING_BYTES : numberType(dtype).bytes);
  const bytes = isString ? null : asBytes(values, dtype, length);
  if (bytes === null ? values.length !== count : bytes.length !== length) {
    throw new RangeError(`values must be ${count}, as many as shape [${shape}] asks for, received ${values.length}`);
  }
  const tensor = symbols.TF_AllocateTensor(
    dtype,
    BigInt64Array.from(shape, BigInt),
    shape.length,
    BigInt(length),
  );
  live.hostTensors++;
  try {
    const data = symbols.TF_TensorData(tensor);
    if (bytes !== null) {
      writeBytes(symbols, data, bytes);
      return use(tensor);
    }
    writeStrings(symbols, data, values as readonly Uint8Array[]);
    try {
      return use(tensor);
    } finally {
      freeStrings(symbols, data, count);
    }
  } finally {
    symbols.TF_DeleteTensor(tensor);
    live.hostTensors--;
  }
};

/** Copies a TF_Tensor's values. */
export const readHostTensor = (
  { symbols }: Context,
  tensor: Deno.PointerValue,
  dtype: number,
): Numbers | Uint8Array[] => {
  const length = Number(symbols.TF_TensorByteSize(tensor));
  const data = symbols.TF_TensorData(tensor);
  if (dtype === DATA_TYPES.TF_STRING) return readStrings(symbols, data, length / STRING_BYTES);
  const { Values } = numberType(dtype);
  return new Values(readBytes(symbols, data, length).buffer);
};
