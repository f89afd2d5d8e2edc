/** A file of the MNIST family: unsigned bytes under a list of extents. */
export interface Idx {
  readonly shape: readonly number[];
  readonly data: Uint8Array<ArrayBuffer>;
}

const UNSIGNED_BYTES = 0x08;

/**
 * Reads the IDX format of MNIST: two zero bytes, the type, the number of extents, each extent as a big-endian 32-bit
 * integer, then the elements. Of its types, unsigned bytes are read.
 *
 * @param name what to call the file in an error
 * @throws {SyntaxError} if the bytes are damaged, or of another type
 */
export const parseIdx = (bytes: Uint8Array<ArrayBuffer>, name: string): Idx => {
  const damaged = (reason: string) => new SyntaxError(`cannot read ${name}: ${reason}`);
  if (bytes.length < 4 || bytes[0] !== 0 || bytes[1] !== 0) {
    throw damaged("it does not start with IDX's two zero bytes");
  }
  if (bytes[2] !== UNSIGNED_BYTES) throw damaged(`its type must be 0x08 (bytes), received 0x${bytes[2].toString(16)}`);
  const start = 4 + 4 * bytes[3];
  if (bytes[3] === 0 || bytes.length < start) throw damaged("it ends within its header");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const shape = Array.from({ length: bytes[3] }, (_, i) => view.getUint32(4 + 4 * i));
  const expected = shape.reduce((all, extent) => all * extent, 1);
  if (bytes.length - start !== expected) {
    throw damaged(`(${shape.join(", ")}) takes ${expected} bytes, the file has ${bytes.length - start}`);
  }
  return { shape, data: bytes.subarray(start) };
};
