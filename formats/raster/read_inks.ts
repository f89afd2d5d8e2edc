import { concatBytes } from "../concat_bytes.ts";
import { startsWith } from "../starts_with.ts";
import { isFrameMarker, type JpegSegment, jpegSegments } from "./jpeg_segments.ts";
import { ImageError, type Raster, type RasterHeader } from "./raster.ts";

type Picture = Omit<Raster, "orientation">;

/** What the frame header says of a component. */
interface Component {
  readonly id: number;
  /** Blocks of a unit (MCU) of an interleaved scan, across and down. */
  readonly across: number;
  readonly down: number;
}

interface Frame extends RasterHeader {
  readonly components: readonly Component[];
}

const damaged = () => new ImageError("damaged", "the JPEG data is damaged");

const readFrame = (data: Uint8Array): Frame => {
  if (data.length < 6 + 3 * data[5]) throw damaged();
  const components = Array.from({ length: data[5] }, (_, i) => {
    const [id, factors] = data.subarray(6 + 3 * i);
    return { id, across: factors >> 4, down: factors & 15 };
  });
  if (!components.every(({ across, down }) => across >= 1 && across <= 4 && down >= 1 && down <= 4)) throw damaged();
  return { height: data[1] << 8 | data[2], width: data[3] << 8 | data[4], components };
};

/** A component of a scan, with its tables. */
interface ScanComponent extends Component {
  /** Which of the frame's. */
  readonly index: number;
  readonly dc: number;
  readonly ac: number;
}

const readScan = (data: Uint8Array, { components }: Frame): readonly ScanComponent[] => {
  if (data[0] > 4 || data.length < 4 + 2 * data[0]) throw damaged();
  return Array.from({ length: data[0] }, (_, i) => {
    const [id, tables] = data.subarray(1 + 2 * i);
    const index = components.findIndex((component) => component.id === id);
    if (index < 0) throw damaged();
    return { ...components[index], index, dc: tables >> 4, ac: tables & 15 };
  });
};

/** Huffman's tables as files have them, by what they are for (0: DC, 16: AC) plus their number. */
type Tables = Map<number, { readonly counts: Uint8Array; readonly symbols: Uint8Array }>;

const readTables = (data: Uint8Array, tables: Tables): void => {
  for (let at = 0; at < data.length;) {
    const counts = data.subarray(at + 1, at + 17);
    const symbols = data.subarray(at + 17, at + 17 + counts.reduce((all, count) => all + count, 0));
    tables.set(data[at], { counts, symbols });
    at += 17 + symbols.length;
  }
};

/** By the next 16 bits: the length of the code that they start with, in the upper byte, and its symbol. 0 is no code. */
const lookUpTable = (tables: Tables, number: number): Uint16Array => {
  const table = tables.get(number);
  if (table === undefined) throw damaged();
  const entries = new Uint16Array(1 << 16);
  let [at, code] = [0, 0];
  table.counts.forEach((count, i) => {
    const length = i + 1;
    for (; count > 0; count--, code += 1 << (16 - length)) {
      entries.fill(length << 8 | table.symbols[at++], code, code + (1 << (16 - length)));
    }
  });
  if (code > 1 << 16 || at > table.symbols.length) throw damaged();
  return entries;
};

/** Reads bits of entropy-coded data, between restarts. */
class BitReader {
  #at = 0;
  #bits = 0;
  #held = 0;
  /** Bits behind the end among those that are held. */
  #beyond = 0;

  constructor(readonly bytes: Uint8Array) {}

  /** The next 16 bits; they stay. Behind the end, or a restart, are zeros. */
  peek(): number {
    if (this.#held < 16) this.#fill();
    return this.#bits >>> (this.#held - 16) & 0xffff;
  }

  #fill(): void {
    while (this.#held <= 24) {
      const byte = this.bytes[this.#at];
      const isOver = this.#at >= this.bytes.length || (byte === 0xff && this.bytes[this.#at + 1] !== 0);
      this.#bits = this.#bits << 8 | (isOver ? 0 : byte);
      this.#held += 8;
      if (isOver) this.#beyond += 8;
      else this.#at += byte === 0xff ? 2 : 1;
    }
  }

  /** @throws {ImageError} behind the end */
  skip(count: number): void {
    this.#held -= count;
    if (this.#held < this.#beyond) throw damaged();
  }

  /** Goes on behind the next restart, and gives its marker's second byte. */
  restart(): number {
    this.#bits = this.#held = this.#beyond = 0;
    while (this.bytes[this.#at] === 0xff && this.bytes[this.#at + 1] === 0xff) this.#at++;
    const marker = this.bytes[this.#at + 1];
    if (this.bytes[this.#at] !== 0xff || !(marker >= 0xd0 && marker <= 0xd7)) throw damaged();
    this.#at += 2;
    return marker;
  }
}

/** Writes bits as entropy-coded data. */
class BitWriter {
  readonly #bytes: Uint8Array;
  #length = 0;
  #bits = 0;
  #held = 0;

  /** @param most bytes that it is filled with, before any is stuffed */
  constructor(most: number) {
    this.#bytes = new Uint8Array(2 * most);
  }

  /** Writes the last `count` bits of a value, 16 at most. */
  write(value: number, count: number): void {
    this.#bits = this.#bits << count | value & (1 << count) - 1;
    for (this.#held += count; this.#held >= 8;) {
      this.#held -= 8;
      const byte = this.#bits >>> this.#held & 0xff;
      this.#bytes[this.#length++] = byte;
      if (byte === 0xff) this.#bytes[this.#length++] = 0;
    }
  }

  /** Fills the last byte. */
  align(): void {
    if (this.#held > 0) this.write(0xff, 8 - this.#held);
  }

  restart(marker: number): void {
    this.align();
    this.#bytes.set([0xff, marker], this.#length);
    this.#length += 2;
  }

  finish(): Uint8Array {
    this.align();
    return this.#bytes.subarray(0, this.#length);
  }
}

/** Blocks of a unit of an interleaved scan, of the component that has the most. */
const unitOf = (components: readonly Component[]): { across: number; down: number } => ({
  across: Math.max(...components.map(({ across }) => across)),
  down: Math.max(...components.map(({ down }) => down)),
});

/**
 * Copies the blocks of an interleaved scan, without those of one component. Values are differences between blocks of one
 * component, so that none changes.
 *
 * @param scan.data its header
 * @param scan.restarts units between restarts; 0 is none
 */
const copyUnits = (
  { data, scan }: JpegSegment,
  { frame, tables, restarts, dropped }: { frame: Frame; tables: Tables; restarts: number; dropped: number },
): Uint8Array => {
  const parts = readScan(data, frame);
  const [first, last, approximation] = data.subarray(1 + 2 * parts.length);
  const isRefinement = approximation >> 4 > 0;
  const blocks = parts.flatMap(({ across, down, index, dc, ac }) => {
    const block = {
      isKept: index !== dropped,
      dc: isRefinement ? null : lookUpTable(tables, dc),
      ac: last === 0 ? null : lookUpTable(tables, 16 + ac),
    };
    return Array<typeof block>(across * down).fill(block);
  });
  if (first !== 0 || isRefinement && last > 0) throw damaged();
  const reader = new BitReader(scan);
  const unit = unitOf(frame.components);
  const units = Math.ceil(frame.width / (8 * unit.across)) * Math.ceil(frame.height / (8 * unit.down));
  const writer = new BitWriter(scan.length + 4);
  const copy = (count: number, isKept: boolean) => {
    const next = reader.peek();
    if (isKept) writer.write(next >>> (16 - count), count);
    reader.skip(count);
  };
  /** Copies a code and the bits that belong to it, whose number the lower half of its symbol is; gives the symbol. */
  const copyCode = (table: Uint16Array, isKept: boolean): number => {
    const entry = table[reader.peek()];
    if (entry === 0) throw damaged();
    const [length, bits] = [entry >> 8, entry & 15];
    if (length + bits > 16) {
      copy(length, isKept);
      copy(bits, isKept);
    } else copy(length + bits, isKept);
    return entry & 0xff;
  };
  for (let i = 0; i < units; i++) {
    if (restarts > 0 && i > 0 && i % restarts === 0) writer.restart(reader.restart());
    for (const { isKept, dc, ac } of blocks) {
      if (dc === null) copy(1, isKept);
      else copyCode(dc, isKept);
      if (ac === null) continue;
      for (let k = 1; k < 64;) {
        const symbol = copyCode(ac, isKept);
        // Without bits, it ends the block or stands for sixteen zeros.
        if ((symbol & 15) === 0 && symbol < 0xf0) break;
        k += (symbol >> 4) + 1;
      }
    }
  }
  return writer.finish();
};

const segment = (marker: number, data: Uint8Array, scan: Uint8Array): Uint8Array[] => {
  const length = data.length + 2;
  return [Uint8Array.of(0xff, marker, length >> 8, length & 0xff), data, scan];
};

/**
 * A JPEG of four components as one of the other three, whose values stay as they are.
 *
 * @param dropped which of the four is left out
 * @param isYcc whether the first three are Y, Cb and Cr; otherwise colours stay as they are
 * @throws {ImageError} if it is damaged, or its components are laid out in a way that does not come apart
 */
const withoutComponent = (bytes: Uint8Array, dropped: number, isYcc: boolean): Uint8Array => {
  const tables: Tables = new Map();
  const adobe = Uint8Array.of(...[..."Adobe"].map((char) => char.charCodeAt(0)), 0, 100, 0, 0, 0, 0, isYcc ? 1 : 0);
  const out = [bytes.subarray(0, 2), ...segment(0xee, adobe, bytes.subarray(0, 0))];
  let frame: Frame | null = null;
  let restarts = 0;
  const cannot = () =>
    new ImageError(
      "unsupported",
      "the JPEG's components are of different sizes, or laid out, in a way that is not read",
    );
  for (const part of jpegSegments(bytes)) {
    const { marker, data, scan } = part;
    if (marker === 0xd9) {
      out.push(Uint8Array.of(0xff, marker));
    } else if (isFrameMarker(marker)) {
      frame = readFrame(data);
      const kept = frame.components.filter((_, i) => i !== dropped);
      const { components } = frame;
      const [all, rest] = [unitOf(components), unitOf(kept)];
      if (all.across !== rest.across || all.down !== rest.down) throw cannot();
      const header = data.slice(0, 6 + 3 * kept.length);
      header[5] = kept.length;
      kept.forEach((component, i) => {
        const from = 6 + 3 * components.indexOf(component);
        header.set(data.subarray(from, from + 3), 6 + 3 * i);
      });
      out.push(...segment(marker, header, scan));
    } else if (marker === 0xda) {
      if (frame === null) throw damaged();
      const parts = readScan(data, frame);
      const kept = parts.filter(({ index }) => index !== dropped);
      if (kept.length === 0) continue;
      const isCopied = kept.length === parts.length;
      // A component alone goes line by line, and not unit by unit.
      if (!isCopied && kept.length === 1 && kept[0].across * kept[0].down > 1) throw cannot();
      const header = Uint8Array.of(
        kept.length,
        ...kept.flatMap(({ id, dc, ac }) => [id, dc << 4 | ac]),
        ...data.subarray(1 + 2 * parts.length, 4 + 2 * parts.length),
      );
      out.push(...segment(marker, header, isCopied ? scan : copyUnits(part, { frame, tables, restarts, dropped })));
    } else if (marker < 0xe0) {
      if (marker === 0xc4) readTables(data, tables);
      if (marker === 0xdd) restarts = data[0] << 8 | data[1];
      out.push(...segment(marker, data, scan));
    }
  }
  return concatBytes(out);
};

/** Whether the first three components are Y, Cb and Cr: by Adobe's segment; without one, and by its 0, they are inks. */
const isYcck = (bytes: Uint8Array): boolean => {
  let transform = 0;
  for (const { marker, data } of jpegSegments(bytes)) {
    if (marker === 0xda) break;
    if (marker === 0xee && data.length >= 12 && startsWith(data, "Adobe")) transform = data[11];
  }
  return transform !== 0;
};

/** a · b / 255, rounded as Pillow does. */
const product = (a: number, b: number): number => {
  const sum = a * b + 128;
  return (sum >> 8) + sum >> 8;
};

/**
 * Reads a JPEG of four components, CMYK or YCCK, as RGB: to the bytes of Pillow's `convert("RGB")`, which takes all for
 * inverted, as Adobe's programs write them, and knows no profile.
 *
 * @param decode of JPEGs of three components, which is all that the decoder gives: two of them hold the four
 * @throws {ImageError} if it is damaged, or its components are laid out in a way that does not come apart
 */
export const readInks = async (
  bytes: Uint8Array,
  header: RasterHeader,
  decode: (bytes: Uint8Array, header: RasterHeader) => Promise<Picture>,
): Promise<Picture> => {
  const isYcc = isYcck(bytes);
  const picture = await decode(withoutComponent(bytes, 3, isYcc), header);
  const { data: blacks } = await decode(withoutComponent(bytes, 2, false), header);
  const { data } = picture;
  for (let at = 0; at < data.length; at += 4) {
    const white = blacks[at + 2];
    for (let c = at; c < at + 3; c++) data[c] = Math.max(0, white - product(isYcc ? data[c] : 255 - data[c], white));
  }
  return picture;
};
