/** A window on the values of a line, with what each weighs in one output. */
interface Tap {
  readonly from: number;
  readonly weights: Float64Array;
}

const sinc = (x: number): number => x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);

/** Kernels by name: how far they reach, and what they weigh at x. */
const KERNELS = {
  /** Lanczos of three lobes, for pictures. */
  lanczos: { reach: 3, weigh: (x: number) => sinc(x) * sinc(x / 3) },
  /** Keys' cubic with a = −1/2, as Pillow's bicubic; it keeps quadratics. */
  cubic: {
    reach: 2,
    weigh: (x: number) => {
      const d = Math.abs(x);
      return d < 1 ? (1.5 * d - 2.5) * d * d + 1 : ((2.5 - 0.5 * d) * d - 4) * d + 2;
    },
  },
  /** Linear; it never leaves the range of its input. */
  triangle: { reach: 1, weigh: (x: number) => 1 - Math.abs(x) },
} as const;

/** The name of a kernel. */
export type Kernel = keyof typeof KERNELS;

/** Part of a line: where it starts, and its length; both may lie between values. */
export interface Span {
  readonly start: number;
  readonly length: number;
}

/**
 * How `span` of a line of `input` values becomes `output` values. Where that makes it shorter, the kernel is widened by
 * as much, so that nothing aliases.
 */
const taps = (input: number, { start, length }: Span, output: number, kernel: Kernel): readonly Tap[] => {
  const { reach, weigh } = KERNELS[kernel];
  const scale = length / output;
  const width = Math.max(1, scale);
  return Array.from({ length: output }, (_, i) => {
    const centre = start + (i + 0.5) * scale;
    const from = Math.max(0, Math.floor(centre - reach * width + 0.5));
    const to = Math.min(input, Math.floor(centre + reach * width + 0.5));
    const weights = Float64Array.from({ length: to - from }, (_, k) => {
      const x = (from + k + 0.5 - centre) / width;
      return Math.abs(x) < reach ? weigh(x) : 0;
    });
    const sum = weights.reduce((all, weight) => all + weight, 0);
    return { from, weights: weights.map((weight) => weight / sum) };
  });
};

/** The values of a line: as they are, or as bytes, to which what is written is rounded and cut off. */
export type Line = Float32Array | Uint8ClampedArray;

/** A picture that is read line by line. */
export interface Lines {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  /** Writes line y, W·C values, to `line`. */
  readonly read: (y: number, line: Line) => void;
}

/** How sums are kept: what is added to each, and what holds them. */
interface Numbers<Values extends Line> {
  readonly least: number;
  readonly make: (length: number) => Values;
}

/**
 * Writes the weighted sum of a window of `line`, and `least`, to place `to`: RGB in one go, since most of the time goes
 * here.
 */
const weighLine = (
  { from, weights }: Tap,
  line: Line,
  channels: number,
  into: Line,
  to: number,
  least: number,
): void => {
  if (channels === 3) {
    let r = least, g = least, b = least;
    for (let k = 0, at = 3 * from; k < weights.length; k++, at += 3) {
      const weight = weights[k];
      r += weight * line[at];
      g += weight * line[at + 1];
      b += weight * line[at + 2];
    }
    into[to] = r;
    into[to + 1] = g;
    into[to + 2] = b;
    return;
  }
  for (let c = 0; c < channels; c++) {
    let sum = least;
    for (let k = 0; k < weights.length; k++) sum += weights[k] * line[(from + k) * channels + c];
    into[to + c] = sum;
  }
};

/** A picture whose lines are resampled. */
const resampleAcross = (picture: Lines, columns: readonly Tap[], { make, least }: Numbers<Line>): Lines => {
  const { channels } = picture;
  const line = make(picture.width * channels);
  return {
    ...picture,
    width: columns.length,
    read: (y, into) => {
      picture.read(y, line);
      for (let i = 0; i < columns.length; i++) weighLine(columns[i], line, channels, into, i * channels, least);
    },
  };
};

/** A picture resampled across its lines. They are to be read in order: those that are behind are forgotten. */
const resampleDown = (picture: Lines, rows: readonly Tap[], { make, least }: Numbers<Line>): Lines => {
  const size = picture.width * picture.channels;
  const held = Array.from({ length: Math.max(...rows.map(({ weights }) => weights.length)) }, () => make(size));
  const sums = new Float64Array(size);
  let next = 0;
  return {
    ...picture,
    height: rows.length,
    read: (row, into) => {
      const { from, weights } = rows[row];
      for (next = Math.max(next, from); next < from + weights.length; next++) {
        picture.read(next, held[next % held.length]);
      }
      sums.fill(least);
      for (let k = 0; k < weights.length; k++) {
        const weight = weights[k];
        const line = held[(from + k) % held.length];
        for (let i = 0; i < size; i++) sums[i] += weight * line[i];
      }
      into.set(sums);
    },
  };
};

const readAll = <Values extends Line>({ height, width, channels, read }: Lines, make: (length: number) => Values) => {
  const size = width * channels;
  const values = make(height * size);
  for (let y = 0; y < height; y++) read(y, values.subarray(y * size, (y + 1) * size));
  return values;
};

/** What is made of a picture: the part of it that is taken, the extent that it is brought to, and by which kernel. */
export interface Resampling {
  readonly across: Span;
  readonly down: Span;
  readonly height: number;
  readonly width: number;
  readonly kernel: Kernel;
}

/** Sums as they are. */
const FLOATS: Numbers<Float32Array<ArrayBuffer>> = { least: 0, make: (length) => new Float32Array(length) };

/**
 * Resamples a part of a picture, first along its lines, then across them.
 *
 * @returns height·width·channels values
 */
export const resample = (
  picture: Lines,
  { across, down, height, width, kernel }: Resampling,
): Float32Array<ArrayBuffer> => {
  const narrow = resampleAcross(picture, taps(picture.width, across, width, kernel), FLOATS);
  return readAll(resampleDown(narrow, taps(picture.height, down, height, kernel), FLOATS), FLOATS.make);
};

/** The bits that Pillow keeps of a weight behind the point (`PRECISION_BITS` of its `Resample.c`). */
const WEIGHT_BITS = 22;

/**
 * Sums of bytes with weights of so many bits. A half is rounded up, as in Pillow: what is added is less than any sum
 * that is no half lies from one.
 */
const BYTES: Numbers<Uint8ClampedArray<ArrayBuffer>> = {
  least: 2 ** -(WEIGHT_BITS + 2),
  make: (length) => new Uint8ClampedArray(length),
};

/** Weights of so many bits, half rounded away from zero. */
const toFixedPoint = (all: readonly Tap[]): Tap[] =>
  all.map(({ from, weights }) => ({
    from,
    weights: weights.map((weight) => Math.trunc(weight * 2 ** WEIGHT_BITS + Math.sign(weight) / 2) / 2 ** WEIGHT_BITS),
  }));

/**
 * Resamples a part of a picture of bytes as Pillow 13 does, to the bit: with weights in fixed point, and rounded to
 * bytes between the two passes too. At sharp edges that is not what `resample` makes, for what swings beyond [0, 255] is
 * cut off after the first pass. That one is along the lines, but where the height shrinks by more than twice what the
 * width shrinks by.
 *
 * @returns height·width·channels bytes
 */
export const resampleBytes = (
  picture: Lines,
  { across, down, height, width, kernel }: Resampling,
): Uint8ClampedArray<ArrayBuffer> => {
  const columns = toFixedPoint(taps(picture.width, across, width, kernel));
  const rows = toFixedPoint(taps(picture.height, down, height, kernel));
  const lost = picture.height - height;
  const isDownFirst = lost > 0 && lost > 2 * (picture.width - width);
  const made = isDownFirst
    ? resampleAcross(resampleDown(picture, rows, BYTES), columns, BYTES)
    : resampleDown(resampleAcross(picture, columns, BYTES), rows, BYTES);
  return readAll(made, BYTES.make);
};
