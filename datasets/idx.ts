import { basename, dirname, join } from "@std/path";
import { isFile } from "../files/exists.ts";
import { type ArrayImages, numberedClasses } from "./source.ts";

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

/** The most bytes that a gzipped file may unpack to. */
const MOST_BYTES = 2 ** 32;

const isGzip = (bytes: Uint8Array): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b;

const gunzip = async (bytes: Uint8Array<ArrayBuffer>, name: string): Promise<Uint8Array<ArrayBuffer>> => {
  const pieces: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const piece of new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))) {
      pieces.push(piece);
      length += piece.length;
      if (length > MOST_BYTES) break;
    }
  } catch (cause) {
    throw new SyntaxError(`cannot read ${name}: its gzip data is damaged`, { cause });
  }
  if (length > MOST_BYTES) throw new SyntaxError(`cannot read ${name}: it unpacks to more than ${MOST_BYTES} bytes`);
  const out = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    out.set(piece, at);
    at += piece.length;
  }
  return out;
};

/** Bytes within which the header is: of four extents at most. */
const HEADER = 20;

/**
 * The shape of an IDX file, plain or gzipped, read off its header.
 *
 * @returns `null` if it is none
 */
export const idxShape = async (path: string): Promise<readonly number[] | null> => {
  using file = await Deno.open(path);
  const start = new Uint8Array(2);
  await file.read(start);
  await file.seek(0, Deno.SeekMode.Start);
  const bytes = isGzip(start) ? file.readable.pipeThrough(new DecompressionStream("gzip")) : file.readable;
  const header = new Uint8Array(HEADER);
  let length = 0;
  try {
    for await (const piece of bytes) {
      header.set(piece.subarray(0, HEADER - length), length);
      length = Math.min(HEADER, length + piece.length);
      if (length === HEADER) break;
    }
  } catch (error) {
    // No gzip, or a damaged one.
    if (error instanceof TypeError) return null;
    throw error;
  }
  const rank = header[3];
  if (header[0] !== 0 || header[1] !== 0 || header[2] !== UNSIGNED_BYTES || length < 4 + 4 * rank) return null;
  const view = new DataView(header.buffer);
  return Array.from({ length: Math.min(rank, 4) }, (_, i) => view.getUint32(4 + 4 * i));
};

const readIdxFile = async (path: string) => {
  const bytes = await Deno.readFile(path);
  return parseIdx(isGzip(bytes) ? await gunzip(bytes, path) : bytes, path);
};

/** Where the labels of a file of images may be, as MNIST names them: `labels` for `images`, `idx1` for `idx3`. */
export const labelsCandidates = (path: string): string[] => {
  const name = basename(path);
  if (!name.includes("images")) return [];
  const plain = name.replace("images", "labels").replace(/idx[34]/, "idx1").replace(/\.gz$/, "");
  return [plain, `${plain}.gz`].map((candidate) => join(dirname(path), candidate));
};

/** The file of labels beside a file of images; `null` if there is none. */
export const labelsBeside = async (path: string): Promise<string | null> => {
  for (const beside of labelsCandidates(path)) if (await isFile(beside)) return beside;
  return null;
};

/**
 * Reads a file of images of the MNIST family, plain or gzipped: (N, H, W), or (N, H, W, C) with 1 or 3 channels.
 *
 * @param labelsPath the file of their labels, as `labelsBeside` finds it
 * @throws {SyntaxError} if a file is damaged or of another shape; it is named
 */
export const readIdxImages = async (path: string, labelsPath: string | null): Promise<ArrayImages> => {
  const { shape, data } = await readIdxFile(path);
  const [count, height, width, channels = 1] = shape;
  const isImages = (shape.length === 3 || shape.length === 4) && (channels === 1 || channels === 3);
  if (!isImages || count * height * width === 0) {
    const hint = shape.length === 1 ? "; it holds labels: name the file of images" : "";
    throw new SyntaxError(
      `cannot read ${path}: its shape must be (N, H, W) or (N, H, W, 1 or 3), received (${shape.join(", ")})${hint}`,
    );
  }
  const extent = { count, height, width, channels, images: data };
  if (labelsPath === null) return { ...extent, labels: null, classNames: null };
  const labels = await readIdxFile(labelsPath);
  if (labels.shape.length !== 1) {
    throw new SyntaxError(`cannot read ${labelsPath}: its shape must be (N), received (${labels.shape.join(", ")})`);
  }
  return { ...extent, ...numberedClasses(labels.data, count, labelsPath) };
};
