/** The formats in which a safetensors file may hold floats; inside, all are float32. */
export const FLOAT_FORMATS = ["F64", "F32", "F16", "BF16"] as const;

/** The name of a float format, as safetensors writes it. */
export type FloatFormat = typeof FLOAT_FORMATS[number];

/** Bytes of one value. */
export const BYTES_PER_FLOAT: Readonly<Record<FloatFormat, number>> = { F64: 8, F32: 4, F16: 2, BF16: 2 };

/** The formats that this project writes. */
export const WRITTEN_FORMATS = ["F32", "F16"] as const;

/** The name of a format that this project writes. */
export type WrittenFormat = typeof WRITTEN_FORMATS[number];

/**
 * Reads floats of any format as float32: F16 and BF16 exactly, F64 to the nearest.
 *
 * @param bytes little-endian values, and nothing else; "F32" takes the buffer itself
 */
export const decodeFloats = (format: FloatFormat, bytes: ArrayBuffer): Float32Array<ArrayBuffer> => {
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
export const encodeFloats = (format: WrittenFormat, values: Float32Array): Uint8Array => {
  if (format === "F32") return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  const halves = new Float16Array(values);
  const lost = halves.findIndex((half, i) => !Number.isFinite(half) && Number.isFinite(values[i]));
  if (lost >= 0) throw new RangeError(`value must be in [-65504, 65504] for F16, received ${values[lost]}`);
  return new Uint8Array(halves.buffer);
};
