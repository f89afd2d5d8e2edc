import { checkInteger } from "./check.ts";

/**
 * Philox 4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"): a bijection of a 128-bit counter
 * under a 64-bit key whose outputs pass for random. There is no state, so any word of any stream can be had at once.
 *
 * Writes the four words of one counter to `out` as signed 32-bit integers (`>>> 0` gives the published unsigned ones).
 *
 * @param out receives the words; at least 4 elements
 * @param c0,c1,c2,c3 the counter, lowest word first, each taken modulo 2³²
 * @param k0,k1 the key, lowest word first, each taken modulo 2³²
 */
export const philox4x32 = (
  out: Int32Array,
  c0: number,
  c1: number,
  c2: number,
  c3: number,
  k0: number,
  k1: number,
): void => {
  c0 |= 0;
  c1 |= 0;
  c2 |= 0;
  c3 |= 0;
  k0 |= 0;
  k1 |= 0;
  for (let round = 0; round < 10; round++) {
    // High halves of 0xD2511F53 · c0 and 0xCD9E8D57 · c2, from 16-bit parts: JavaScript has no 64-bit product.
    const a = c0 & 0xffff;
    const b = c0 >>> 16;
    const ab = Math.imul(0xd251, a) + (Math.imul(0x1f53, a) >>> 16) | 0;
    const ba = Math.imul(0x1f53, b) + (ab & 0xffff) | 0;
    const high0 = Math.imul(0xd251, b) + (ab >>> 16) + (ba >>> 16) | 0;
    const low0 = Math.imul(0xd2511f53, c0);

    const c = c2 & 0xffff;
    const d = c2 >>> 16;
    const cd = Math.imul(0xcd9e, c) + (Math.imul(0x8d57, c) >>> 16) | 0;
    const dc = Math.imul(0x8d57, d) + (cd & 0xffff) | 0;
    const high2 = Math.imul(0xcd9e, d) + (cd >>> 16) + (dc >>> 16) | 0;
    const low2 = Math.imul(0xcd9e8d57, c2);

    c0 = high2 ^ c1 ^ k0;
    c1 = low2;
    c2 = high0 ^ c3 ^ k1;
    c3 = low0;
    k0 = k0 + 0x9e3779b9 | 0;
    k1 = k1 + 0xbb67ae85 | 0;
  }
  out[0] = c0;
  out[1] = c1;
  out[2] = c2;
  out[3] = c3;
};

/** ln 2. */
const LN2 = 0.6931471805599453;

/** 2⁰, 2⁻¹ … 2⁻³¹. */
const POWERS = Float64Array.from({ length: 32 }, (_, e) => 1 / 2 ** e);

/**
 * −ln(k · 2⁻³³) for an integer k in [1, 2³²), by + − × ÷ alone, which IEEE 754 rounds the same everywhere; Math.log may
 * differ in its last bit between engines.
 */
const minusLog = (k: number): number => {
  let exponent = 31 - Math.clz32(k);
  let m = k * POWERS[exponent];
  if (m > 1.4142135623730951) {
    m *= 0.5;
    exponent++;
  }
  const s = (m - 1) / (m + 1);
  const v = s * s;
  const series = 1 + v * (1 / 3 + v * (1 / 5 + v * (1 / 7 + v * (1 / 9 + v * (1 / 11 +
                        v * (1 / 13 + v * (1 / 15 + v * (1 / 17 + v * (1 / 19)))))))));
  return (33 - exponent) * LN2 - 2 * s * series;
};

/** AS 241's middle region. Its last, r > 5, would need more than 32 bits: here r is at most 4.79. */
const tail = (q: number): number => {
  const r = Math.sqrt(minusLog((0.5 - Math.abs(q)) * 8589934592)) - 1.6;
  const z = (((((((7.7454501427834140764e-4 * r + 2.27238449892691845833e-2) * r + 2.41780725177450611770e-1) * r +
                    1.27045825245236838258) * r + 3.64784832476320460504) * r + 5.76949722146069140550) * r +
        4.63033784615654529590) * r + 1.42343711074968357734) /
    (((((((1.05075007164441684324e-9 * r + 5.47593808499534494600e-4) * r + 1.51986665636164571966e-2) * r +
                      1.48103976427480074590e-1) * r + 6.89767334985100004550e-1) * r + 1.67638483018380384940) * r +
          2.05319162663775882187) * r + 1);
  return q < 0 ? -z : z;
};

/**
 * The standard normal quantile Φ⁻¹(u) at u = ½ + (word + ½) / 2³², so that 32 random bits make one normal draw.
 *
 * Wichura's algorithm AS 241 (PPND16, 1988), good to about 1e-15 relative, with a logarithm of our own: every operation
 * is one that IEEE 754 rounds correctly, so all engines give the same bits. |z| is at most 6.34; ~word gives −z.
 *
 * @param word a signed 32-bit integer
 */
export const normalQuantile = (word: number): number => {
  const q = (word + 0.5) * 2.3283064365386963e-10;
  if (q > 0.425 || q < -0.425) return tail(q);
  const r = 0.180625 - q * q;
  return q * (((((((2.5090809287301226727e3 * r + 3.3430575583588128105e4) * r + 6.7265770927008700853e4) * r +
                    4.5921953931549871457e4) * r + 1.3731693765509461125e4) * r + 1.9715909503065514427e3) * r +
        1.3314166789178437745e2) * r + 3.3871328727963666080) /
    (((((((5.2264952788528545610e3 * r + 2.8729085735721942674e4) * r + 3.9307895800092710610e4) * r +
                      2.1213794301586595867e4) * r + 5.3941960214247511077e3) * r + 6.8718700749205790830e2) * r +
          4.2313330701600911252e1) * r + 1);
};

const UINT32_MAX = 0xffffffff;

/** The domains that `core` draws from itself. Take others, 1 and up, for other uses. */
export const DOMAINS = { sampling: 0, encoding: 0xfffffffd, bound: 0xfffffffe, permutation: 0xffffffff } as const;

/** The four words of the counter last computed. Written and read within one call, so no state is carried over. */
const words = new Int32Array(4);

/** The step whose noise is x_T. */
export const INITIAL_NOISE_STEP = 0;

/** The step whose noise operation `index` draws: a row of a plan, or an operation of inpainting. */
export const noiseStepOf = (index: number): number => index + 1;

/** What a stretch of noise belongs to. All are integers in [0, 2³²), the seed in [0, 2⁵³). */
export interface NoiseKey {
  seed: number;
  /** The image's index within its request. */
  sample: number;
  /** Of sampling: `INITIAL_NOISE_STEP` for x_T, `noiseStepOf(i)` for operation i. Other domains count by rules of their own. */
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
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
};
