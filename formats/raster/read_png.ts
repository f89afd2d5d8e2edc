import { type FlateError, FlateErrorCode, Unzlib } from "fflate";
import { concatBytes } from "../concat_bytes.ts";
import { orientationOf } from "../orientation.ts";
import { type PngChunk, pngChunks } from "../png_chunks.ts";
import { startsWith } from "../starts_with.ts";
import { checkRasterSize, ImageError, type Raster, type RasterHeader } from "./raster.ts";

/** What the chunk IHDR says. */
export interface PngHeader extends RasterHeader {
  /** Bits a sample: 1, 2, 4, 8 or 16. */
  readonly depth: number;
  /** 0: gray, 2: RGB, 3: palette, 4: gray and alpha, 6: RGBA. */
  readonly colour: number;
  /** Samples of a pixel as they are stored. */
  readonly samples: 1 | 2 | 3 | 4;
  readonly isInterlaced: boolean;
}

const SAMPLES: Record<number, 1 | 2 | 3 | 4> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };

const DEPTHS: Record<number, readonly number[]> = {
  0: [1, 2, 4, 8, 16],
  2: [8, 16],
  3: [1, 2, 4, 8],
  4: [8, 16],
  6: [8, 16],
};

/**
 * Reads the data of IHDR (PNG, third edition, section 11.2.1).
 *
 * @throws {ImageError} if it holds what PNG does not know
 */
const readPngHeader = (data: Uint8Array): PngHeader => {
  if (data.length < 13) throw new ImageError("damaged", `the PNG's header must have 13 bytes, it has ${data.length}`);
  const view = new DataView(data.buffer, data.byteOffset);
  const [depth, colour, , filter, interlace] = data.subarray(8);
  if (!DEPTHS[colour]?.includes(depth)) {
    throw new ImageError("damaged", `PNG knows no colour type ${colour} with ${depth} bits a sample`);
  }
  if (filter !== 0 || interlace > 1) {
    throw new ImageError("damaged", `PNG knows no filters ${filter} with interlacing ${interlace}`);
  }
  return {
    width: view.getUint32(0),
    height: view.getUint32(4),
    depth,
    colour,
    samples: SAMPLES[colour],
    isInterlaced: interlace === 1,
  };
};

/** Deflate makes at most 1032 bytes of one. */
const MOST_PER_BYTE = 1032;

/** Bytes that are inflated at a time. Fewer where little is asked for, so that little is made of what swells. */
const pieceFor = (length: number): number => Math.min(16_384, 1024 + Math.ceil(length / MOST_PER_BYTE));

/** Bytes that may go by without anything coming out: more than two stored blocks, each of which comes as a whole. */
const MOST_SILENT = 2 ** 17;

/** Bytes whose sums stay below 2^31. */
const ADLER_STEP = 2048;

/** Adler's checksum (RFC 1950, section 8.2), as its four bytes. */
const adler32 = (bytes: Uint8Array): Uint8Array => {
  let [a, b] = [1, 0];
  for (let from = 0; from < bytes.length; from += ADLER_STEP) {
    const end = Math.min(bytes.length, from + ADLER_STEP);
    for (let i = from; i < end; i++) b += a += bytes[i];
    a %= 65_521;
    b %= 65_521;
  }
  return Uint8Array.of(b >> 8, b & 0xff, a >> 8, a & 0xff);
};

/** Whether the bytes hold four others, which most likely stand at their end. */
const holds = (bytes: Uint8Array, [a, b, c, d]: Uint8Array): boolean => {
  for (let i = bytes.length - 4; i >= 0; i--) {
    if (bytes[i] === a && bytes[i + 1] === b && bytes[i + 2] === c && bytes[i + 3] === d) return true;
  }
  return false;
};

/**
 * Inflates the first bytes of zlib data, and stops as soon as there are more: a small file that swells costs no more
 * memory and time than what is asked for.
 *
 * @param out to be filled
 * @returns how many came out, of `out.length`; more than that, if there are more
 * @throws {ImageError} if the data up to there are no zlib
 */
const inflateInto = (data: Uint8Array, out: Uint8Array): number => {
  const step = pieceFor(out.length);
  let [at, silent] = [0, 0];
  const inflater = new Unzlib((bytes) => {
    if (at < out.length) out.set(bytes.subarray(0, out.length - at), at);
    at += bytes.length;
    silent = bytes.length > 0 ? 0 : silent + step;
  });
  try {
    for (let from = 0; from < data.length && at <= out.length && silent < MOST_SILENT; from += step) {
      inflater.push(data.subarray(from, from + step), from + step >= data.length);
    }
  } catch (error) {
    // What comes after the last byte is nobody's.
    if (at < out.length) {
      const isCut = (error as FlateError).code === FlateErrorCode.UnexpectedEOF;
      const reason = isCut ? "ends early" : `is damaged: ${error instanceof Error ? error.message : error}`;
      throw new ImageError("damaged", `the image data ${reason}`, { cause: error });
    }
  }
  return at;
};

/**
 * Inflates zlib data whose length is known. What else is there, inflated or behind it, is passed over, as Pillow does.
 *
 * @param length bytes that must come out
 * @throws {ImageError} if the data are no zlib, fewer bytes come out, or just as many with another checksum
 */
export const inflateExactly = (data: Uint8Array, length: number): Uint8Array<ArrayBuffer> => {
  if (data.length * MOST_PER_BYTE < length) {
    throw new ImageError(
      "damaged",
      `${data.length} bytes of image data cannot hold the ${length} that this picture takes`,
    );
  }
  const out = new Uint8Array(length);
  const inflated = inflateInto(data, out);
  if (inflated < length) {
    throw new ImageError(
      "damaged",
      `the image data ends after ${inflated} of the ${length} bytes that this picture takes`,
    );
  }
  if (inflated === length && !holds(data, adler32(out))) {
    throw new ImageError("damaged", "the checksum of the image data is wrong");
  }
  return out;
};

/** A picture within the picture: every `dx`-th pixel of every `dy`-th line from (x, y) on. */
interface Pass {
  readonly x: number;
  readonly y: number;
  readonly dx: number;
  readonly dy: number;
  readonly width: number;
  readonly height: number;
  /** Bytes of a line, without the one that names its filter. */
  readonly stride: number;
}

const ADAM7 = [[0, 0, 8, 8], [4, 0, 8, 8], [0, 4, 4, 8], [2, 0, 4, 4], [0, 2, 2, 4], [1, 0, 2, 2], [0, 1, 1, 2]];

/** The passes that a picture is stored in, those without pixels left out (PNG, third edition, section 8). */
const pngPasses = ({ height, width, depth, samples, isInterlaced }: PngHeader): readonly Pass[] =>
  (isInterlaced ? ADAM7 : [[0, 0, 1, 1]]).map(([x, y, dx, dy]) => {
    const across = Math.ceil((width - x) / dx);
    return {
      x,
      y,
      dx,
      dy,
      width: across,
      height: Math.ceil((height - y) / dy),
      stride: Math.ceil(across * samples * depth / 8),
    };
  }).filter((pass) => pass.width > 0 && pass.height > 0);

/** Bytes of all lines of all passes, each with its filter's. */
const scanlineBytes = (passes: readonly Pass[]): number =>
  passes.reduce((all, { height, stride }) => all + height * (1 + stride), 0);

const paeth = (left: number, up: number, corner: number): number => {
  const [toLeft, toUp, toCorner] = [Math.abs(up - corner), Math.abs(left - corner), Math.abs(left + up - 2 * corner)];
  if (toLeft <= toUp && toLeft <= toCorner) return left;
  return toUp <= toCorner ? up : corner;
};

/** Undoes the filter of a line in place (PNG, third edition, section 9); `step` is the bytes of a pixel, 1 or more. */
const unfilter = (filter: number, line: Uint8Array, above: Uint8Array | null, step: number): void => {
  const up = above ?? new Uint8Array(line.length);
  switch (filter) {
    case 0:
      return;
    case 1:
      for (let i = step; i < line.length; i++) line[i] += line[i - step];
      return;
    case 2:
      for (let i = 0; i < line.length; i++) line[i] += up[i];
      return;
    case 3:
      for (let i = 0; i < line.length; i++) line[i] += ((i < step ? 0 : line[i - step]) + up[i]) >> 1;
      return;
    case 4:
      for (let i = 0; i < line.length; i++) {
        line[i] += i < step ? up[i] : paeth(line[i - step], up[i], up[i - step]);
      }
      return;
    default:
      throw new ImageError("damaged", `a line of the PNG names the filter ${filter}; there are 0 to 4`);
  }
};

/**
 * Undoes filters and interlacing.
 *
 * @param lines the inflated image data, `scanlineBytes` long; it is overwritten
 * @returns H·W samples, or groups of them, as they are stored: neither scaled nor looked up
 * @throws {ImageError} if a line's filter is none
 */
const pngSamples = (
  header: PngHeader,
  passes: readonly Pass[],
  lines: Uint8Array,
): Uint8Array | Uint16Array => {
  const { height, width, depth, samples } = header;
  const length = height * width * samples;
  const out = depth === 16 ? new Uint16Array(length) : new Uint8Array(length);
  const step = Math.max(1, samples * depth / 8);
  const mask = (1 << depth) - 1;
  let at = 0;
  for (const { x, y, dx, dy, width: across, height: down, stride } of passes) {
    let above: Uint8Array | null = null;
    for (let row = 0; row < down; row++) {
      const line = lines.subarray(at + 1, at + 1 + stride);
      unfilter(lines[at], line, above, step);
      const start = ((y + row * dy) * width + x) * samples;
      for (let column = 0, i = 0; column < across; column++) {
        const to = start + column * dx * samples;
        for (let s = 0; s < samples; s++, i++) {
          if (depth === 8) out[to + s] = line[i];
          else if (depth === 16) out[to + s] = line[2 * i] << 8 | line[2 * i + 1];
          else out[to + s] = line[i * depth >> 3] >> (8 - depth - (i * depth & 7)) & mask;
        }
      }
      above = line;
      at += 1 + stride;
    }
  }
  return out;
};

type Samples = Uint8Array | Uint16Array;
type Colours = Pick<Raster, "channels" | "data">;

const lookUp = (indices: Samples, palette: Uint8Array, alphas: Uint8Array | null): Colours => {
  const colours = Math.floor(palette.length / 3);
  const channels = alphas ? 4 : 3;
  const data = new Uint8Array(indices.length * channels);
  for (let p = 0, at = 0; p < indices.length; p++, at += channels) {
    const index = indices[p];
    // A colour that the palette lacks is black.
    for (let c = 0; c < 3 && index < colours; c++) data[at + c] = palette[3 * index + c];
    if (alphas) data[at + 3] = alphas[index] ?? 255;
  }
  return { channels, data };
};

/** Adds an alpha that is 0 where all samples of a pixel are those of `key`. */
const addAlpha = (samples: Samples, channels: 1 | 3, key: readonly number[], most: number): Colours => {
  const pixels = samples.length / channels;
  const data = samples instanceof Uint16Array
    ? new Uint16Array(pixels * (channels + 1))
    : new Uint8Array(pixels * (channels + 1));
  for (let p = 0; p < pixels; p++) {
    let isKey = true;
    for (let c = 0; c < channels; c++) {
      const sample = samples[p * channels + c];
      data[p * (channels + 1) + c] = sample;
      if (sample !== key[c]) isKey = false;
    }
    data[p * (channels + 1) + channels] = isKey ? 0 : most;
  }
  return { channels: channels === 1 ? 2 : 4, data };
};

/**
 * Samples as they are stored → gray or RGB over the full range, with alpha where the file has any.
 *
 * @param palette the data of PLTE
 * @param transparency the data of tRNS
 * @throws {ImageError} if the palette or the transparency do not fit the picture
 */
const pngColours = (
  { colour, depth, samples: channels }: PngHeader,
  samples: Samples,
  { palette, transparency }: { palette: Uint8Array | null; transparency: Uint8Array | null },
): Colours => {
  if (colour === 3) {
    if (palette === null) throw new ImageError("damaged", "the PNG has no palette, and its pixels need one");
    if (palette.length > 768) {
      throw new ImageError("damaged", `a palette may have 768 bytes, three a colour; it has ${palette.length}`);
    }
    return lookUp(samples, palette, transparency);
  }
  const most = (1 << depth) - 1;
  const result = ((): Colours => {
    if (transparency === null || (channels !== 1 && channels !== 3)) return { channels, data: samples };
    if (transparency.length < 2 * channels) {
      throw new ImageError(
        "damaged",
        `the transparent colour must have ${2 * channels} bytes, it has ${transparency.length}`,
      );
    }
    const key = Array.from({ length: channels }, (_, c) => transparency[2 * c] << 8 | transparency[2 * c + 1]);
    return addAlpha(samples, channels, key, most);
  })();
  if (depth < 8) {
    for (let i = 0; i < result.data.length; i++) result.data[i] *= 255 / most;
  }
  return result;
};

/** The most bytes of text that are looked through, as in Pillow. */
const MOST_TEXT = 2 ** 20;

/**
 * The text of tEXt, zTXt or iTXt (PNG, third edition, section 11.3.3), in bytes of whatever encoding; `null` if it is
 * damaged or too long.
 */
const textOf = ({ type, data }: PngChunk): Uint8Array | null => {
  const afterZero = (from: number): number => data.indexOf(0, from) + 1 || data.length;
  const at = afterZero(0);
  const isCompressed = type === "zTXt" || (type === "iTXt" && data[at] !== 0);
  const start = type === "tEXt" ? at : type === "zTXt" ? at + 1 : afterZero(afterZero(at + 2));
  if (!isCompressed) return data.subarray(start);
  try {
    const out = new Uint8Array(MOST_TEXT);
    const length = inflateInto(data.subarray(start), out);
    return length > MOST_TEXT ? null : out.subarray(0, length);
  } catch (error) {
    if (error instanceof ImageError) return null;
    throw error;
  }
};

/** EXIF data that ImageMagick has written as text: after three lines, in hexadecimal digits. */
const fromProfile = (text: Uint8Array): Uint8Array | null => {
  const digits = new TextDecoder("latin1").decode(text).split("\n").slice(3).join("").replace(/\s/g, "");
  return /^([0-9a-f]{2})+$/i.test(digits) ? Uint8Array.fromHex(digits) : null;
};

const TEXTS = ["tEXt", "zTXt", "iTXt"];
const EXIF_TEXT = "Raw profile type exif\0";
const XMP_TEXT = "XML:com.adobe.xmp\0";

/** What a reader needs of a PNG. */
interface PngParts {
  readonly header: PngHeader;
  /** The data of the first IDAT and of those that follow it at once. */
  readonly imageData: readonly Uint8Array[];
  /** The last of each of the other chunks, by their types; texts by their keywords. */
  readonly last: ReadonlyMap<string, PngChunk>;
}

const pngParts = (bytes: Uint8Array, maxPixels: number): PngParts => {
  let header: PngHeader | null = null;
  const imageData: Uint8Array[] = [];
  const last = new Map<string, PngChunk>();
  let isBehind = false;
  for (const chunk of pngChunks(bytes)) {
    const { type, data } = chunk;
    if ((header === null) !== (type === "IHDR")) {
      throw new ImageError("damaged", `the PNG must start with IHDR, and have one, it has ${type}`);
    }
    if (type === "IHDR") {
      header = readPngHeader(data);
      checkRasterSize(header, maxPixels);
    }
    isBehind ||= imageData.length > 0 && type !== "IDAT";
    if (type === "IDAT") {
      if (!isBehind) imageData.push(data);
      continue;
    }
    const name = TEXTS.includes(type) ? [EXIF_TEXT, XMP_TEXT].find((keyword) => startsWith(data, keyword)) : type;
    if (name !== undefined) last.set(name, chunk);
  }
  if (header === null) throw new ImageError("damaged", "the PNG holds no picture");
  return { header, imageData, last };
};

const pngOrientation = (last: PngParts["last"]): number => {
  const [exifText, xmp] = [EXIF_TEXT, XMP_TEXT].map((keyword) => {
    const chunk = last.get(keyword);
    return chunk ? textOf(chunk) : null;
  });
  return orientationOf({ exif: last.get("eXIf")?.data ?? (exifText && fromProfile(exifText)), xmp });
};

/**
 * Reads any PNG: each colour type and depth, interlaced or not, 16 bits as they are; of an animated one, the picture that
 * stands for it. Colour profiles and gamma are not applied. Of what breaks the rules, it reads what Pillow reads.
 *
 * It is written here because it is for files of strangers: fast-png, which writes ours, inflates image data and profiles
 * without bound, and misreads interlaced pictures of less than 8 bits.
 *
 * @throws {ImageError} if it is damaged or larger than `maxPixels`; the size is checked before anything is decoded
 */
export const readPng = (bytes: Uint8Array, { maxPixels }: { maxPixels: number }): Raster => {
  const { header, imageData, last } = pngParts(bytes, maxPixels);
  const passes = pngPasses(header);
  const samples = pngSamples(header, passes, inflateExactly(concatBytes(imageData), scanlineBytes(passes)));
  const [palette, transparency] = ["PLTE", "tRNS"].map((type) => last.get(type)?.data ?? null);
  return {
    height: header.height,
    width: header.width,
    ...pngColours(header, samples, { palette, transparency }),
    orientation: pngOrientation(last),
  };
};
