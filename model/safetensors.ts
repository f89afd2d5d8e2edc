import { checkOneOf } from "../core/check.ts";
import { ModelError, quoteText, quoteValue } from "./error.ts";
import {
  BYTES_PER_FLOAT,
  decodeFloats,
  encodeFloats,
  FLOAT_FORMATS,
  type FloatFormat,
  WRITTEN_FORMATS,
  type WrittenFormat,
} from "./float_formats.ts";
import { parseHeader } from "./safetensors_header.ts";

/** One tensor of a safetensors file: shape and values, row by row, in float32 whatever the file holds. */
export interface StoredTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array<ArrayBuffer>;
}

/** The largest header that the format allows, in bytes. */
const MAX_HEADER = 100_000_000;

interface Entry {
  name: string;
  dtype: FloatFormat;
  shape: number[];
  begin: number;
  end: number;
}

const isIndex = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

const isFloatFormat = (value: unknown): value is FloatFormat => FLOAT_FORMATS.includes(value as FloatFormat);

const parseEntry = (name: string, value: unknown, size: number): Entry => {
  const { dtype, shape, data_offsets: offsets } = (value ?? {}) as Record<string, unknown>;
  const fail = (message: string): never => {
    throw new ModelError(`tensor ${quoteText(name)}: ${message}`);
  };
  if (!Array.isArray(shape) || !shape.every(isIndex)) {
    return fail(`shape must be a list of integers ≥ 0, received ${quoteValue(shape)}`);
  }
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isIndex)) {
    return fail(`data_offsets must be two integers ≥ 0, received ${quoteValue(offsets)}`);
  }
  const [begin, end] = offsets as [number, number];
  if (begin > end || end > size) fail(`data_offsets must lie in [0, ${size}] in order, received [${begin}, ${end}]`);
  if (!isFloatFormat(dtype)) {
    return fail(`dtype must be one of ${FLOAT_FORMATS.join(", ")}, received ${quoteValue(dtype)}`);
  }
  const bytes = shape.reduce((product, n) => product * n, BYTES_PER_FLOAT[dtype]);
  if (bytes !== end - begin) fail(`shape ${quoteValue(shape)} needs ${bytes} bytes, received ${end - begin}`);
  return { name, dtype, shape, begin, end };
};

/**
 * Reads a safetensors file of float64, float32, float16 or bfloat16 tensors into float32.
 *
 * @param bytes the whole file
 * @returns each tensor by its name, copied out of `bytes`
 * @throws {ModelError} that names the tensor, if the file is truncated, overlapping or otherwise not well formed
 */
export const parseSafetensors = (bytes: Uint8Array): Map<string, StoredTensor> => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.byteLength < 8) throw new ModelError(`the file must have at least 8 bytes, received ${bytes.byteLength}`);
  const headerLength = view.getBigUint64(0, true);
  const available = bytes.byteLength - 8;
  if (headerLength > BigInt(Math.min(available, MAX_HEADER))) {
    throw new ModelError(
      `the header must end within the file, received a length of ${headerLength} of ${available} bytes`,
    );
  }
  const start = 8 + Number(headerLength);
  const header = parseHeader(bytes.subarray(8, start));
  const size = bytes.byteLength - start;
  const entries = Object.entries(header)
    .filter(([name]) => name !== "__metadata__")
    .map(([name, value]) => parseEntry(name, value, size))
    .sort((a, b) => a.begin - b.begin || a.end - b.end);
  let covered = 0;
  for (const { name, begin, end } of entries) {
    if (begin !== covered) {
      throw new ModelError(`tensor ${quoteText(name)}: its data must begin at ${covered}, received ${begin}`);
    }
    covered = end;
  }
  if (covered !== size) throw new ModelError(`the tensors must fill ${size} bytes of data, received ${covered}`);
  return new Map(entries.map(({ name, dtype, shape, begin, end }) => [name, {
    shape,
    data: decodeFloats(dtype, bytes.slice(start + begin, start + end).buffer),
  }]));
};

/** How `encodeSafetensors` writes. */
export interface EncodeOptions {
  /** The format of every tensor; F16 halves the file and rounds to nearest, ties to even. @default "F32" */
  dtype?: WrittenFormat;
  /** Free strings; diffusers and transformers look for `format: "pt"`, the default. */
  metadata?: Record<string, string>;
}

const encodeTensor = (name: string, { shape, data }: StoredTensor, dtype: WrittenFormat): Uint8Array => {
  const size = shape.reduce((product, n) => product * n, 1);
  if (data.length !== size) {
    throw new RangeError(`${name} must have ${size} elements for its shape [${shape}], received ${data.length}`);
  }
  try {
    return encodeFloats(dtype, data);
  } catch (cause) {
    throw new RangeError(`${name}: ${(cause as Error).message}`, { cause });
  }
};

/**
 * Writes a safetensors file, in the order given.
 *
 * @throws {RangeError} if a tensor's values are not as many as its shape says, or one is too large for `dtype`
 */
export const encodeSafetensors = (
  tensors: ReadonlyMap<string, StoredTensor>,
  { dtype = "F32", metadata = { format: "pt" } }: EncodeOptions = {},
): Uint8Array<ArrayBuffer> => {
  checkOneOf("dtype", dtype, WRITTEN_FORMATS);
  let offset = 0;
  const parts = Array.from(tensors, ([name, tensor]) => ({ name, tensor, part: encodeTensor(name, tensor, dtype) }));
  const entries = parts.map(({ name, tensor: { shape }, part }) => [
    name,
    { dtype, shape, data_offsets: [offset, offset += part.byteLength] },
  ]);
  const header = Object.fromEntries([["__metadata__", metadata], ...entries]);
  // The data starts on a multiple of 8 bytes, by spaces behind the JSON.
  const json = new TextEncoder().encode(JSON.stringify(header));
  const headerLength = Math.ceil(json.length / 8) * 8;
  const bytes = new Uint8Array(8 + headerLength + offset).fill(0x20, 8, 8 + headerLength);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(headerLength), true);
  bytes.set(json, 8);
  let at = 8 + headerLength;
  for (const { part } of parts) {
    bytes.set(part, at);
    at += part.byteLength;
  }
  return bytes;
};
