import { ModelError } from "./error.ts";

/** One tensor as it lies in a safetensors file: shape and values, row by row. */
export interface StoredTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array<ArrayBuffer>;
}

/** The largest header that the format allows, in bytes. */
const MAX_HEADER = 100_000_000;

interface Entry {
  name: string;
  dtype: string;
  shape: number[];
  begin: number;
  end: number;
}

const isIndex = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

const parseEntry = (name: string, value: unknown, size: number): Entry => {
  const { dtype, shape, data_offsets: offsets } = (value ?? {}) as Record<string, unknown>;
  if (!Array.isArray(shape) || !shape.every(isIndex)) {
    throw new ModelError(`tensor ${name}: shape must be a list of integers ≥ 0, received ${JSON.stringify(shape)}`);
  }
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isIndex)) {
    throw new ModelError(`tensor ${name}: data_offsets must be two integers, received ${JSON.stringify(offsets)}`);
  }
  const [begin, end] = offsets as [number, number];
  if (begin > end || end > size) {
    throw new ModelError(`tensor ${name}: data_offsets must lie in [0, ${size}], received [${begin}, ${end}]`);
  }
  if (dtype !== "F32") throw new ModelError(`tensor ${name}: dtype must be F32, received ${JSON.stringify(dtype)}`);
  const bytes = shape.reduce((product, n) => product * n, 4);
  if (bytes !== end - begin) {
    throw new ModelError(`tensor ${name}: shape [${shape}] needs ${bytes} bytes, received ${end - begin}`);
  }
  return { name, dtype, shape, begin, end };
};

/**
 * Reads a safetensors file.
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
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(8, start)));
  } catch (cause) {
    throw new ModelError("the header must be JSON in UTF-8", { cause });
  }
  if (typeof header !== "object" || header === null || Array.isArray(header)) {
    throw new ModelError("the header must be a JSON object");
  }
  const size = bytes.byteLength - start;
  const entries = Object.entries(header)
    .filter(([name]) => name !== "__metadata__")
    .map(([name, value]) => parseEntry(name, value, size))
    .sort((a, b) => a.begin - b.begin || a.end - b.end);
  let covered = 0;
  for (const { name, begin, end } of entries) {
    if (begin !== covered) {
      throw new ModelError(`tensor ${name}: data must follow the tensor before it at ${covered}, received ${begin}`);
    }
    covered = end;
  }
  if (covered !== size) throw new ModelError(`the tensors must fill ${size} bytes of data, received ${covered}`);
  return new Map(entries.map(({ name, shape, begin, end }) => [name, {
    shape,
    data: new Float32Array(bytes.slice(start + begin, start + end).buffer),
  }]));
};

/**
 * Writes a safetensors file of float32 tensors, in the order given.
 *
 * @param metadata free strings; diffusers and transformers look for `format: "pt"`
 */
export const encodeSafetensors = (
  tensors: ReadonlyMap<string, StoredTensor>,
  metadata: Record<string, string> = { format: "pt" },
): Uint8Array<ArrayBuffer> => {
  let offset = 0;
  const header: Record<string, unknown> = { __metadata__: metadata };
  for (const [name, { shape, data }] of tensors) {
    header[name] = { dtype: "F32", shape, data_offsets: [offset, offset += data.byteLength] };
  }
  // The data starts on a multiple of 8 bytes, by spaces behind the JSON.
  const json = new TextEncoder().encode(JSON.stringify(header));
  const headerLength = Math.ceil(json.length / 8) * 8;
  const bytes = new Uint8Array(8 + headerLength + offset).fill(0x20, 8, 8 + headerLength);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(headerLength), true);
  bytes.set(json, 8);
  let at = 8 + headerLength;
  for (const { data } of tensors.values()) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return bytes;
};
