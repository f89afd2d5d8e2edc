/** A window on the values of a line, with what each weighs in one output. */
interface Tap {
  readonly from: number;
  readonly weights: Float64Array;
}

/** Kernels by name: how far they reach, and what they weigh at x. */
const KERNELS = {
  /** Lanczos of three lobes, for pictures. */
  lanczos: {
    reach: 3,
    weigh: (x: number) => x === 0 ? 1 : 3 * Math.sin(Math.PI * x) * Math.sin(Math.PI * x / 3) / (Math.PI * x) ** 2,
  },
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

/** A picture that is read line by line. */
export interface Lines {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  /** Writes line y, W·C values, to `line`. */
  readonly read: (y: number, line: Float32Array) => void;
}

/** Writes the weighted sum of a window of `line` to place `to`: RGB in one go, since most of the time goes here. */
const weighLine = (
  { from, weights }: Tap,
  line: Float32Array,
  channels: number,
  into: Float32Array,
  to: number,
): void => {
  if (channels === 3) {
    let r = 0, g = 0, b = 0;
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
    let sum = 0;
    for (let k = 0; k < weights.length; k++) sum += weights[k] * line[(from + k) * channels + c];
    into[to + c] = sum;
  }
};

/**
 * Resamples a part of a picture, first along its lines, then across them.
 *
 * @returns height·width·channels values
 */
export const resample = (
  picture: Lines,
  { across, down, height, width, kernel }: { across: Span; down: Span; height: number; width: number; kernel: Kernel },
): Float32Array<ArrayBuffer> => {
  const { channels } = picture;
  const columns = taps(picture.width, across, width, kernel);
  const rows = taps(picture.height, down, height, kernel);
  const first = Math.min(...rows.map(({ from }) => from));
  const last = Math.max(...rows.map(({ from, weights }) => from + weights.length));

  const size = width * channels;
  const narrow = new Float32Array((last - first) * size);
  const line = new Float32Array(picture.width * channels);
  for (let y = first; y < last; y++) {
    picture.read(y, line);
    for (let i = 0, to = (y - first) * size; i < width; i++, to += channels) {
      weighLine(columns[i], line, channels, narrow, to);
    }
  }

  const out = new Float32Array(height * size);
  const sums = new Float64Array(size);
  rows.forEach(({ from, weights }, row) => {
    sums.fill(0);
    for (let k = 0; k < weights.length; k++) {
      const weight = weights[k];
      for (let i = 0, at = (from - first + k) * size; i < size; i++) sums[i] += weight * narrow[at++];
    }
    out.set(sums, row * size);
  });
  return out;
};
