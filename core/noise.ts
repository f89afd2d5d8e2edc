import { checkInteger } from "./check.ts";
import { normalQuantile } from "./normal_quantile.ts";
import { philox4x32 } from "./philox.ts";

const UINT32_MAX = 0xffffffff;

/** The domains that `core` draws from itself. Take others, 1 and up, for other uses. */
export const DOMAINS = { sampling: 0, encoding: 0xfffffffd, bound: 0xfffffffe, permutation: 0xffffffff } as const;

/** The four words of the counter last asked for. Written and read within one call, so no state is carried over. */
const words = new Int32Array(4);

/** What a stretch of noise belongs to. All are integers in [0, 2³²), the seed in [0, 2⁵³). */
export interface NoiseKey {
  seed: number;
  /** The image's index within its request. */
  sample: number;
  /** 0 for x_T, i + 1 for row i of a plan. */
  step: number;
  /** Keeps uses apart: 0 is the noise of sampling. */
  domain?: number;
}

const checkKey = ({ seed, sample, step, domain = 0 }: NoiseKey): void => {
  checkInteger("seed", seed, 0);
  checkInteger("sample", sample, 0, UINT32_MAX);
  checkInteger("step", step, 0, UINT32_MAX);
  checkInteger("domain", domain, 0, UINT32_MAX);
};

const highBits = (seed: number): number => Math.floor(seed / 4294967296);

/**
 * Fills `out` with the standard normal draws of elements 0, 1, 2 …: `out[i]` is `normal(seed, sample, step, i, domain)`.
 *
 * Noise is a function, not a stream: a draw depends on its key and element alone, and has the same bits on every
 * JavaScript engine. Four elements share one Philox counter (element / 4, step, sample, domain) under the key `seed`.
 *
 * @returns `out`
 * @throws {TypeError} if a part of the key is no number or `out` no Float32Array
 * @throws {RangeError} if a part of the key is out of range
 */
export const fillNormal = (out: Float32Array, key: NoiseKey): Float32Array => {
  checkKey(key);
  if (!(out instanceof Float32Array)) throw new TypeError(`out must be a Float32Array, received ${typeof out}`);
  const { seed, sample, step, domain = 0 } = key;
  const high = highBits(seed);
  const whole = out.length & ~3;
  for (let i = 0, block = 0; i < whole; i += 4, block++) {
    philox4x32(words, block, step, sample, domain, seed, high);
    out[i] = normalQuantile(words[0]);
    out[i + 1] = normalQuantile(words[1]);
    out[i + 2] = normalQuantile(words[2]);
    out[i + 3] = normalQuantile(words[3]);
  }
  if (whole < out.length) {
    philox4x32(words, whole >>> 2, step, sample, domain, seed, high);
    for (let i = whole; i < out.length; i++) out[i] = normalQuantile(words[i - whole]);
  }
  return out;
};

/**
 * One standard normal draw, a float32: element `element` of what `fillNormal` writes for the same key.
 *
 * @throws {TypeError} if an argument is no number
 * @throws {RangeError} if an argument is no integer in [0, 2³²) ([0, 2⁵³) for the seed)
 */
export const normal = (seed: number, sample: number, step: number, element: number, domain = 0): number => {
  checkKey({ seed, sample, step, domain });
  checkInteger("element", element, 0, UINT32_MAX);
  philox4x32(words, element >>> 2, step, sample, domain, seed, highBits(seed));
  return Math.fround(normalQuantile(words[element & 3]));
};

const uniform53 = (seed: number, sample: number, step: number, element: number, domain: number): number => {
  philox4x32(words, element >>> 1, step, sample, domain, seed, highBits(seed));
  const i = 2 * (element & 1);
  return ((words[i] >>> 5) * 67108864 + (words[i + 1] >>> 6)) / 9007199254740992;
};

/**
 * One uniform draw in [0, 1) of 53 bits; two elements share one Philox counter (element / 2, step, sample, domain).
 *
 * It spends the same words as `normal` would on the same key, so give the two uses different domains.
 *
 * @throws {TypeError} if an argument is no number
 * @throws {RangeError} if an argument is no integer in [0, 2³²) ([0, 2⁵³) for the seed)
 */
export const uniform = (seed: number, sample: number, step: number, element: number, domain: number): number => {
  checkKey({ seed, sample, step, domain });
  checkInteger("element", element, 0, UINT32_MAX);
  return uniform53(seed, sample, step, element, domain);
};

/**
 * A uniformly random order of 0 … length − 1 (Fisher–Yates), the same for the same seed and epoch: the order in which an
 * epoch of training visits its images. Draws from its own domain.
 *
 * @throws {TypeError} if an argument is no number
 * @throws {RangeError} if `length` or `epoch` is no integer in [0, 2³²), or `seed` none in [0, 2⁵³)
 */
export const permutation = (length: number, { seed, epoch }: { seed: number; epoch: number }): Uint32Array => {
  checkInteger("length", length, 0, UINT32_MAX);
  checkInteger("seed", seed, 0);
  checkInteger("epoch", epoch, 0, UINT32_MAX);
  const order = Uint32Array.from({ length }, (_, i) => i);
  for (let i = length - 1; i > 0; i--) {
    const j = Math.floor(uniform53(seed, 0, epoch, i, DOMAINS.permutation) * (i + 1));
    const held = order[i];
    order[i] = order[j];
    order[j] = held;
  }
  return order;
};
