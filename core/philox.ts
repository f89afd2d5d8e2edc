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
