import type { Context } from "./context.ts";
import { DATA_TYPES, type Numbers, numberType } from "./data_types.ts";
import { readBytes, writeBytes } from "./memory.ts";
import { freeStrings, readStrings, STRING_BYTES, writeStrings } from "./strings.ts";

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
