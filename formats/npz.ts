import { unzipSync, zipSync } from "fflate";
import { bytesPerElement, decodeNpy, encodeNpy, type NpyArray, npyHeader, type NpyType } from "./npy.ts";
import { createStoredZip } from "./stored_zip.ts";

/** Zip without its 64-bit extension ends here. */
const MOST_BYTES = 2 ** 32 - 2 ** 16;

/** Without it, zip would stamp the hour of writing, and the same images would make different bytes. */
const MTIME = new Date(1980, 0, 1);

const checkSize = (bytes: number): void => {
  if (bytes > MOST_BYTES) {
    throw new RangeError(`an .npz must stay below ${MOST_BYTES} bytes, received ${bytes}; write .npy instead`);
  }
};

/**
 * Named arrays as the bytes of an `.npz` file: what `numpy.savez` (or, with `deflate`, `numpy.savez_compressed`) writes.
 *
 * @throws {RangeError} if the arrays exceed 4 GiB, or one does not fill its shape
 */
export const encodeNpz = (
  arrays: Readonly<Record<string, NpyArray>>,
  { deflate = false }: { deflate?: boolean } = {},
): Uint8Array<ArrayBuffer> => {
  const files = Object.entries(arrays).map(([name, array]) => [`${name}.npy`, encodeNpy(array)] as const);
  checkSize(files.reduce((all, [, file]) => all + file.length, 0));
  return new Uint8Array(zipSync(Object.fromEntries(files), { level: deflate ? 6 : 0, mtime: MTIME }));
};

const withoutSuffix = (name: string): string => name.replace(/\.npy$/, "");

/**
 * Reads the arrays of an `.npz` file, stored or deflated.
 *
 * @param options.only which to read, by name; the others may be of any kind
 * @throws {SyntaxError} if the archive or an array in it is damaged
 */
export const decodeNpz = (
  bytes: Uint8Array,
  { only = () => true }: { only?: (name: string) => boolean } = {},
): Record<string, NpyArray> => {
  const files = (() => {
    try {
      return unzipSync(bytes, { filter: ({ name }) => only(withoutSuffix(name)) });
    } catch (cause) {
      throw new SyntaxError(`cannot read .npz: ${cause instanceof Error ? cause.message : cause}`, { cause });
    }
  })();
  return Object.fromEntries(
    Object.entries(files).map(([name, file]) => [withoutSuffix(name), decodeNpy(file)]),
  );
};

/** Writes the elements of the first array piece by piece. */
export interface NpzStream {
  /** The next elements, as bytes. The piece is not kept. */
  push(piece: Uint8Array): void;
  /** More arrays, if there are any, and the archive's directory; nothing may follow. */
  end(more?: Readonly<Record<string, NpyArray>>): void;
}

/**
 * Writes an `.npz` of stored arrays, without holding the first: `write` gets its bytes in order. It may be of any size.
 *
 * Its `end` throws a RangeError if the first array got too few elements, or too many.
 */
export const streamNpz = (
  { name, dtype, shape }: { name: string; dtype: NpyType; shape: readonly number[] },
  write: (bytes: Uint8Array) => void,
): NpzStream => {
  const zip = createStoredZip(write);
  const header = npyHeader(dtype, shape);
  const file = zip.add(
    `${name}.npy`,
    shape.reduce((all, extent) => all * extent, bytesPerElement(dtype)) + header.length,
  );
  file.push(header);
  return {
    push: (piece) => file.push(piece),
    end: (more = {}) => {
      file.end();
      for (const [name, array] of Object.entries(more)) {
        const bytes = encodeNpy(array);
        const whole = zip.add(`${name}.npy`, bytes.length);
        whole.push(bytes);
        whole.end();
      }
      zip.end();
    },
  };
};
