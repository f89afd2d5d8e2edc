import { Unzip, UnzipInflate, unzipSync, zipSync } from "fflate";
import { crc32 } from "./crc32.ts";
import { bytesPerElement, decodeNpy, encodeNpy, type NpyArray, npyHeader, type NpyType } from "./npy.ts";

/** From this on, sizes and places need the 64-bit extension. */
const FIELD_32 = 0xffffffff;

/** 1980-01-01, the first day that a zip knows: the hour of writing would make other bytes of the same content. */
const DATE = (1 << 5) | 1;

/** The size stands in a descriptor behind the data, with its checksum. */
const DESCRIPTOR = 1 << 3;

const VERSION = 20, VERSION_64 = 45;

/** Numbers of 2, 4 or 8 bytes, little-endian, and bytes. */
const pack = (...fields: readonly (readonly [size: 2 | 4 | 8, value: number] | Uint8Array)[]): Uint8Array => {
  const bytes = new Uint8Array(
    fields.reduce((sum, field) => sum + (ArrayBuffer.isView(field) ? field.length : field[0]), 0),
  );
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const field of fields) {
    if (ArrayBuffer.isView(field)) {
      bytes.set(field, at);
      at += field.length;
      continue;
    }
    const [size, value] = field;
    if (size === 2) view.setUint16(at, value, true);
    else if (size === 4) view.setUint32(at, value, true);
    else view.setBigUint64(at, BigInt(value), true);
    at += size;
  }
  return bytes;
};

interface ZipEntry {
  readonly name: Uint8Array;
  readonly size: number;
  readonly offset: number;
  checksum: number;
}

/** One file on its way into an archive. */
export interface StoredFile {
  /** Its next bytes, which are not kept. */
  push(bytes: Uint8Array): void;
  /** @throws {RangeError} if it got another number of bytes than it was announced with */
  end(): void;
}

/** An archive on its way. */
export interface StoredZip {
  /** Begins a file, once the one before has ended. */
  add(name: string, size: number): StoredFile;
  /** The directory; nothing may follow. */
  end(): void;
}

/**
 * Writes a zip of files that are stored as they are, without holding them: `write` gets its bytes in order. Files of 4 GiB
 * and more, which fflate has not, take the 64-bit extension (APPNOTE 4.3 and 4.5.3).
 *
 * @param options.limit size or place from which on the extension is used
 */
export const createStoredZip = (
  write: (bytes: Uint8Array) => void,
  { limit = FIELD_32 }: { limit?: number } = {},
): StoredZip => {
  const entries: ZipEntry[] = [];
  let at = 0;
  const put = (bytes: Uint8Array) => {
    write(bytes);
    at += bytes.length;
  };
  const isLarge = (value: number) => value >= limit;
  const narrow = (value: number) => isLarge(value) ? FIELD_32 : value;

  /** The extra field with the 64-bit values of those that are too large. */
  const extra = (values: readonly number[]): Uint8Array =>
    values.length === 0
      ? new Uint8Array(0)
      : pack([2, 1], [2, 8 * values.length], ...values.map((value) => [8, value] as const));

  const directoryEntry = ({ name, size, offset, checksum }: ZipEntry): Uint8Array => {
    const large = extra([...(isLarge(size) ? [size, size] : []), ...(isLarge(offset) ? [offset] : [])]);
    const version = large.length > 0 ? VERSION_64 : VERSION;
    return pack(
      [4, 0x02014b50],
      [2, version],
      [2, version],
      [2, DESCRIPTOR],
      [2, 0],
      [2, 0],
      [2, DATE],
      [4, checksum],
      [4, narrow(size)],
      [4, narrow(size)],
      [2, name.length],
      [2, large.length],
      [2, 0],
      [2, 0],
      [2, 0],
      [4, 0],
      [4, narrow(offset)],
      name,
      large,
    );
  };

  return {
    add: (text, size) => {
      const entry = { name: new TextEncoder().encode(text), size, offset: at, checksum: 0 };
      const { name } = entry;
      const large = extra(isLarge(size) ? [0, 0] : []);
      const unknown = isLarge(size) ? FIELD_32 : 0;
      entries.push(entry);
      put(pack(
        [4, 0x04034b50],
        [2, isLarge(size) ? VERSION_64 : VERSION],
        [2, DESCRIPTOR],
        [2, 0],
        [2, 0],
        [2, DATE],
        [4, 0],
        [4, unknown],
        [4, unknown],
        [2, name.length],
        [2, large.length],
        name,
        large,
      ));
      let filled = 0;
      return {
        push: (bytes) => {
          entry.checksum = crc32(bytes, entry.checksum);
          filled += bytes.length;
          put(bytes);
        },
        end: () => {
          if (filled !== size) throw new RangeError(`${text} must have ${size} bytes, received ${filled}`);
          const width = isLarge(size) ? 8 : 4;
          put(pack([4, 0x08074b50], [4, entry.checksum], [width, size], [width, size]));
        },
      };
    },
    end: () => {
      const start = at;
      for (const entry of entries) put(directoryEntry(entry));
      const [count, length, end] = [entries.length, at - start, at];
      if (isLarge(start) || isLarge(length)) {
        put(pack(
          [4, 0x06064b50],
          [8, 44],
          [2, VERSION_64],
          [2, VERSION_64],
          [4, 0],
          [4, 0],
          [8, count],
          [8, count],
          [8, length],
          [8, start],
        ));
        put(pack([4, 0x07064b50], [4, 0], [8, end], [4, 1]));
      }
      put(pack(
        [4, 0x06054b50],
        [2, 0],
        [2, 0],
        [2, count],
        [2, count],
        [4, narrow(length)],
        [4, narrow(start)],
        [2, 0],
      ));
    },
  };
};

/** Zip without its 64-bit extension ends here. */
const MOST_BYTES = 2 ** 32 - 2 ** 16;

/** Without it, zip would stamp the hour of writing, and the same images would make different bytes. */
const MTIME = new Date(1980, 0, 1);

const checkArchiveSize = (bytes: number): void => {
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
  checkArchiveSize(files.reduce((all, [, file]) => all + file.length, 0));
  return new Uint8Array(zipSync(Object.fromEntries(files), { level: deflate ? 6 : 0, mtime: MTIME }));
};

const withoutSuffix = (name: string): string => name.replace(/\.npy$/, "");

/**
 * Reads the arrays of an `.npz` file, stored or deflated.
 *
 * @param options.only which to read, by name; the others may be of any kind
 * @throws {SyntaxError} if the archive is damaged, or an array in it, which is named
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
    Object.entries(files).map(([name, file]) => [withoutSuffix(name), decodeNpy(file, name)]),
  );
};

/**
 * The first bytes of an array's file in an `.npz` that is read only as far as it takes.
 *
 * @param only by its name, which array
 * @param most how many bytes
 * @returns `null` if it holds no such array, or is damaged before it
 */
export const firstBytesOf = async (
  archive: ReadableStream<Uint8Array>,
  only: (name: string) => boolean,
  most: number,
): Promise<Uint8Array | null> => {
  const bytes = new Uint8Array(most);
  let length = -1, isWhole = false;
  const unzip = new Unzip((file) => {
    if (length >= 0 || !only(withoutSuffix(file.name))) return;
    length = 0;
    file.ondata = (error, piece, isLast) => {
      if (error) throw error;
      bytes.set(piece.subarray(0, most - length), length);
      length = Math.min(most, length + piece.length);
      isWhole = isLast || length === most;
    };
    file.start();
  });
  unzip.register(UnzipInflate);
  try {
    for await (const piece of archive) {
      unzip.push(piece);
      if (isWhole) return bytes.subarray(0, length);
    }
  } catch (error) {
    // Damaged, or packed in a way that is not read; the system's own errors are others.
    if (error instanceof Error && "code" in error && typeof error.code === "number") return null;
    throw error;
  }
  return null;
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
