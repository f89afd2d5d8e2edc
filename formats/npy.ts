const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];

const KINDS = {
  float32: { descr: "<f4", of: Float32Array },
  float64: { descr: "<f8", of: Float64Array },
  int8: { descr: "|i1", of: Int8Array },
  int16: { descr: "<i2", of: Int16Array },
  int32: { descr: "<i4", of: Int32Array },
  int64: { descr: "<i8", of: BigInt64Array },
  uint8: { descr: "|u1", of: Uint8Array },
  uint16: { descr: "<u2", of: Uint16Array },
  uint32: { descr: "<u4", of: Uint32Array },
  uint64: { descr: "<u8", of: BigUint64Array },
} as const;

/** Element types that are read and written. */
export type NpyType = keyof typeof KINDS;

/** The typed array that holds each element type. */
export type NpyData = InstanceType<typeof KINDS[NpyType]["of"]>;

/** An array of NumPy, in C order. */
export interface NpyArray {
  readonly dtype: NpyType;
  readonly shape: readonly number[];
  readonly data: NpyData;
}

const product = (shape: readonly number[]): number => shape.reduce((all, extent) => all * extent, 1);

/** Bytes of one element. */
export const bytesPerElement = (dtype: NpyType): number => KINDS[dtype].of.BYTES_PER_ELEMENT;

/**
 * What stands before the elements in a `.npy` file (format 1.0, padded to 64 bytes).
 *
 * @throws {RangeError} if an extent is no integer ≥ 0
 */
export const npyHeader = (dtype: NpyType, shape: readonly number[]): Uint8Array<ArrayBuffer> => {
  if (!shape.every((extent) => Number.isSafeInteger(extent) && extent >= 0)) {
    throw new RangeError(`shape must hold integers ≥ 0, received (${shape.join(", ")})`);
  }
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`;
  const dictionary = `{'descr': '${KINDS[dtype].descr}', 'fortran_order': False, 'shape': ${tuple}, }`;
  const length = Math.ceil((10 + dictionary.length + 1) / 64) * 64 - 10;
  const header = new Uint8Array(10 + length);
  header.set([...MAGIC, 1, 0, length & 255, length >> 8]);
  header.set(new TextEncoder().encode(`${dictionary.padEnd(length - 1)}\n`), 10);
  return header;
};

/**
 * An array as the bytes of a `.npy` file.
 *
 * @throws {TypeError} if `data` is of another kind than `dtype` says
 * @throws {RangeError} if `data` does not fill `shape`
 */
export const encodeNpy = ({ dtype, shape, data }: NpyArray): Uint8Array<ArrayBuffer> => {
  if (!(data instanceof KINDS[dtype].of)) {
    throw new TypeError(`data must be a ${KINDS[dtype].of.name}, received ${(data as NpyData).constructor.name}`);
  }
  if (data.length !== product(shape)) {
    throw new RangeError(`data must have ${product(shape)} elements, received ${data.length}`);
  }
  const header = npyHeader(dtype, shape);
  const file = new Uint8Array(header.length + data.byteLength);
  file.set(header);
  file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), header.length);
  return file;
};

/** Makes the error of a file that cannot be read. */
type Damage = (reason: string) => SyntaxError;

const headerText = (bytes: Uint8Array, damaged: Damage): { text: string; end: number } => {
  if (bytes.length < 10 || MAGIC.some((byte, i) => bytes[i] !== byte)) {
    throw damaged("it does not start with the magic \\x93NUMPY");
  }
  const version = bytes[6];
  if (version < 1 || version > 3) throw damaged(`format version must be 1, 2 or 3, received ${version}`);
  const start = version === 1 ? 10 : 12;
  if (bytes.length < start) throw damaged(`the file ends within its header`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (start + length > bytes.length) {
    throw damaged(`the header of ${length} bytes reaches beyond the file of ${bytes.length}`);
  }
  return { text: new TextDecoder().decode(bytes.subarray(start, start + length)), end: start + length };
};

const parseHeader = (text: string, damaged: Damage): { dtype: NpyType; shape: number[]; isBigEndian: boolean } => {
  const descr = /['"]descr['"]\s*:\s*(['"][^'"]*['"]|\[.*?\)\])/.exec(text)?.[1];
  const order = /['"]fortran_order['"]\s*:\s*(True|False)/.exec(text)?.[1];
  const tuple = /['"]shape['"]\s*:\s*\(([\d\s,L]*)\)/.exec(text)?.[1];
  if (descr === undefined || order === undefined || tuple === undefined) {
    throw damaged("the header must name descr, fortran_order and shape");
  }
  if (order === "True") throw damaged("the array is in Fortran order; save numpy.ascontiguousarray of it");
  const [byteOrder, kind] = [descr[1], descr.slice(2, -1)];
  const dtype = (Object.keys(KINDS) as NpyType[]).find((name) => KINDS[name].descr.slice(1) === kind);
  if (dtype === undefined || !"<>|=".includes(byteOrder)) {
    throw damaged(`its type must be one of ${Object.keys(KINDS).join(", ")}; received ${descr}`);
  }
  return { dtype, shape: (tuple.match(/\d+/g) ?? []).map(Number), isBigEndian: byteOrder === ">" };
};

/**
 * The shape of a `.npy` file, of which the beginning is enough.
 *
 * @returns `null` if the bytes begin with no header of an array that is read
 */
export const npyShape = (bytes: Uint8Array): readonly number[] | null => {
  const damaged: Damage = (reason) => new SyntaxError(reason);
  try {
    return parseHeader(headerText(bytes, damaged).text, damaged).shape;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
};

/** Turns the bytes of each element around, in place. */
const swapBytes = (bytes: Uint8Array, size: number): void => {
  for (let at = 0; at < bytes.length; at += size) bytes.subarray(at, at + size).reverse();
};

/**
 * Reads a `.npy` file of format 1, 2 or 3: C order, little-endian or big-endian. The elements are copied.
 *
 * @param name what to call the file in an error
 * @throws {SyntaxError} if the bytes are damaged or hold a kind of array that is not read
 */
export const decodeNpy = (bytes: Uint8Array, name = ".npy"): NpyArray => {
  const damaged: Damage = (reason) => new SyntaxError(`cannot read ${name}: ${reason}`);
  const { text, end } = headerText(bytes, damaged);
  const { dtype, shape, isBigEndian } = parseHeader(text, damaged);
  const size = bytesPerElement(dtype), expected = product(shape) * size;
  if (bytes.length - end !== expected) {
    throw damaged(
      `${dtype} of shape (${shape.join(", ")}) takes ${expected} bytes, the file has ${bytes.length - end}`,
    );
  }
  const elements = bytes.slice(end);
  if (isBigEndian) swapBytes(elements, size);
  return { dtype, shape, data: new KINDS[dtype].of(elements.buffer) };
};
