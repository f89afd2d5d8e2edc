import { checkOneOf, countNonFinite } from "../core/check.ts";
import { roundToFloat16 } from "../engine/float16.ts";
import { ModelError, quoteText, quoteValue } from "./error.ts";

/** The formats in which a safetensors file may hold floats; inside, all are float32. */
const FLOAT_FORMATS = ["F64", "F32", "F16", "BF16"] as const;

/** The name of a float format, as safetensors writes it. */
export type FloatFormat = typeof FLOAT_FORMATS[number];

/** Bytes of one value. */
const BYTES_PER_FLOAT: Readonly<Record<FloatFormat, number>> = { F64: 8, F32: 4, F16: 2, BF16: 2 };

/** The formats that this project writes. */
const WRITTEN_FORMATS = ["F32", "F16"] as const;

/** The name of a format that this project writes. */
export type WrittenFormat = typeof WRITTEN_FORMATS[number];

/**
 * Reads floats of any format as float32: F16 and BF16 exactly, F64 to the nearest.
 *
 * @param bytes little-endian values, and nothing else; "F32" takes the buffer itself
 */
const decodeFloats = (format: FloatFormat, bytes: ArrayBuffer): Float32Array<ArrayBuffer> => {
  switch (format) {
    case "F64":
      return new Float32Array(new Float64Array(bytes));
    case "F32":
      return new Float32Array(bytes);
    case "F16":
      return new Float32Array(new Float16Array(bytes));
    case "BF16":
      return new Float32Array(Uint32Array.from(new Uint16Array(bytes), (half) => half << 16).buffer);
  }
};

/**
 * Writes float32 as little-endian bytes; "F16" rounds to nearest, ties to even.
 *
 * @throws {RangeError} if a finite value is too large for the format, of which 65504 is the largest in F16
 */
const encodeFloats = (format: WrittenFormat, values: Float32Array): Uint8Array => {
  if (format === "F32") return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return new Uint8Array(roundToFloat16(values).buffer);
};

/** Whether an object in the two outer levels of valid JSON has a key twice: JSON.parse keeps the last and is silent. */
const hasDuplicateKeys = (json: string, parsed: object): boolean => {
  let written = 0, depth = 0, quoted = false;
  for (let i = 0; i < json.length; i++) {
    const character = json[i];
    if (quoted) {
      if (character === "\\") i++;
      else if (character === '"') quoted = false;
    } else if (character === '"') quoted = true;
    else if (character === "{" || character === "[") depth++;
    else if (character === "}" || character === "]") depth--;
    else if (character === ":" && depth <= 2) written++;
  }
  const isObject = (value: unknown) => typeof value === "object" && value !== null && !Array.isArray(value);
  const objects = [parsed, ...Object.values(parsed).filter(isObject)];
  return written !== objects.reduce((count, value) => count + Object.keys(value).length, 0);
};

/**
 * Reads the JSON of a safetensors file's header.
 *
 * @throws {ModelError} if it is no JSON object in UTF-8, or has a key twice
 */
const parseSafetensorsHeader = (bytes: Uint8Array): object => {
  if (bytes[0] !== 0x7b) throw new ModelError("the header must be a JSON object");
  let json: string, header: object;
  try {
    json = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    header = JSON.parse(json);
  } catch (cause) {
    throw new ModelError("the header must be JSON in UTF-8", { cause });
  }
  if (hasDuplicateKeys(json, header)) throw new ModelError("the header must not have a key twice");
  return header;
};

/** One tensor of a safetensors file: shape and values, row by row, in float32 whatever the file holds. */
export interface StoredTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array<ArrayBuffer>;
}

/** The largest header that the format allows, in bytes. */
const MAX_HEADER = 100_000_000;

interface TensorEntry {
  name: string;
  dtype: FloatFormat;
  shape: number[];
  begin: number;
  end: number;
}

const isIndex = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

const isFloatFormat = (value: unknown): value is FloatFormat => FLOAT_FORMATS.includes(value as FloatFormat);

const parseEntry = (name: string, value: unknown, size: number): TensorEntry => {
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
  const header = parseSafetensorsHeader(bytes.subarray(8, start));
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

/**
 * `parseSafetensors` of a network's weights, which are of no use where one is NaN or ±∞.
 *
 * @throws {ModelError} as `parseSafetensors` does, and if a value is not finite
 */
export const parseWeights = (bytes: Uint8Array): Map<string, StoredTensor> => {
  const tensors = parseSafetensors(bytes);
  for (const [name, { data }] of tensors) {
    const count = countNonFinite(data);
    if (count > 0) {
      throw new ModelError(
        `tensor ${quoteText(name)}: its values must be finite, received ${count} of ${data.length} that are not`,
      );
    }
  }
  return tensors;
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
