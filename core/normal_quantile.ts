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
