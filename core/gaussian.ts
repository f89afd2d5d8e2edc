import { checkNumber } from "./check.ts";

/** Σ c_i x^i by Horner's rule, the highest power first. */
const polynomial = (x: number, coefficients: readonly number[]): number => {
  let sum = 0;
  for (const c of coefficients) sum = sum * x + c;
  return sum;
};

/** exp(−x²) without the error that rounding x² would bring to large x. */
const expMinusSquare = (x: number): number => {
  const head = Math.trunc(x * 16) / 16;
  return Math.exp(-head * head) * Math.exp(-(x - head) * (x + head));
};

/** Rational fits by Cody (1969), "Rational Chebyshev approximations for the error function", each its P and Q. */
const SMALL = [
  [1.85777706184603153e-1, 3.16112374387056560, 1.13864154151050156e2, 3.77485237685302021e2, 3.20937758913846947e3],
  [1, 2.36012909523441209e1, 2.44024637934444173e2, 1.28261652607737228e3, 2.84423683343917062e3],
];
const MIDDLE = [
  // deno-fmt-ignore
  [2.15311535474403846e-8, 5.64188496988670089e-1, 8.88314979438837594, 6.61191906371416295e1, 2.98635138197400131e2,
   8.81952221241769090e2, 1.71204761263407058e3, 2.05107837782607147e3, 1.23033935479799725e3],
  // deno-fmt-ignore
  [1, 1.57449261107098347e1, 1.17693950891312499e2, 5.37181101862009858e2, 1.62138957456669019e3,
   3.29079923573345963e3, 4.36261909014324716e3, 3.43936767414372164e3, 1.23033935480374942e3],
];
const LARGE = [
  // deno-fmt-ignore
  [1.63153871373020978e-2, 3.05326634961232344e-1, 3.60344899949804439e-1, 1.25781726111229246e-1,
   1.60837851487422766e-2, 6.58749161529837803e-4],
  // deno-fmt-ignore
  [1, 2.56852019228982242, 1.87295284992346725, 5.27905102951428412e-1, 6.05183413124413191e-2,
   2.33520497626869185e-3],
];

const BOUND = 0.46875;
const SQRT1_PI = 0.5641895835477562869;

/** The error function, to about 1e-15 relative. NaN for NaN. */
export const erf = (x: number): number => {
  if (Math.abs(x) <= BOUND) return x * polynomial(x * x, SMALL[0]) / polynomial(x * x, SMALL[1]);
  if (Math.abs(x) > 6) return Math.sign(x);
  const rest = erfcx(Math.abs(x)) * expMinusSquare(x);
  return x < 0 ? rest - 1 : 1 - rest;
};

/**
 * The scaled complementary error function exp(x²) erfc(x), to about 1e-15 relative: what is left of erfc where that
 * would underflow.
 *
 * Meant for x ≥ 0; below −26.7 it overflows to Infinity, as it should.
 */
export const erfcx = (x: number): number => {
  if (x < 0) return 2 / expMinusSquare(x) - erfcx(-x);
  if (x <= BOUND) return (1 - erf(x)) / expMinusSquare(x);
  if (x <= 4) return polynomial(x, MIDDLE[0]) / polynomial(x, MIDDLE[1]);
  const v = 1 / (x * x);
  return (SQRT1_PI - v * polynomial(v, LARGE[0]) / polynomial(v, LARGE[1])) / x;
};

/** The complementary error function 1 − erf(x), to about 1e-15 relative up to where it underflows (x = 26.5). */
export const erfc = (x: number): number => {
  if (x < -BOUND) return 2 - erfc(-x);
  if (x <= BOUND) return 1 - erf(x);
  return x > 27 ? 0 : erfcx(x) * expMinusSquare(x);
};

/**
 * log(Φ(b) − Φ(a)), the log-probability that a standard normal falls into (a, b), without underflow: it stays finite
 * and accurate where both ends are thousands of standard deviations out.
 *
 * @param a the lower end, or −Infinity
 * @param b the upper end, above a, or Infinity
 */
export const logNormalInterval = (a: number, b: number): number => {
  if (a > 0) return logNormalInterval(-b, -a);
  if (b <= 0) {
    const near = erfcx(-b * Math.SQRT1_2);
    const ratio = erfcx(-a * Math.SQRT1_2) / near * Math.exp((b - a) * (b + a) / 2);
    return Math.log(near / 2) - b * b / 2 + Math.log1p(-ratio);
  }
  const inside = (erf(b * Math.SQRT1_2) - erf(a * Math.SQRT1_2)) / 2;
  return inside < 0.5 ? Math.log(inside) : Math.log1p(-(erfc(b * Math.SQRT1_2) + erfc(-a * Math.SQRT1_2)) / 2);
};

/**
 * KL(N(mean1, σ1²) ‖ N(mean2, σ2²)) of two scalar normals, in nats.
 *
 * @param logVariance1 log σ1²
 * @param logVariance2 log σ2²
 * @throws {TypeError} if an argument is no number
 * @throws {RangeError} if one is NaN or infinite
 */
export const normalKl = (mean1: number, logVariance1: number, mean2: number, logVariance2: number): number => {
  checkNumber("mean1", mean1);
  checkNumber("logVariance1", logVariance1);
  checkNumber("mean2", mean2);
  checkNumber("logVariance2", logVariance2);
  const d = logVariance1 - logVariance2;
  return 0.5 * (Math.expm1(d) - d + (mean1 - mean2) ** 2 * Math.exp(-logVariance2));
};

/** Half the width of one of the 256 bins into which [−1, 1] is cut, the pixel values at their centres. */
export const HALF_BIN = 1 / 255;

/**
 * log p(x), in nats, of a pixel value under a normal that is integrated over the value's bin (Ho et al. 2020, eq. 13).
 *
 * The bin is [x − 1/255, x + 1/255]; those of −1 and 1 reach to −∞ and ∞.
 *
 * @param x a pixel value in [−1, 1], one of the 256 that (2·byte/255 − 1) takes
 * @param mean the normal's mean
 * @param logVariance log σ²
 * @throws {TypeError} if an argument is no number
 * @throws {RangeError} if x lies outside [−1, 1], or one is NaN or infinite
 */
export const discretizedGaussianLogLikelihood = (x: number, mean: number, logVariance: number): number => {
  checkNumber("x", x, -1, 1);
  checkNumber("mean", mean);
  checkNumber("logVariance", logVariance);
  const scale = Math.exp(-0.5 * logVariance);
  const low = x < HALF_BIN - 1 ? -Infinity : (x - HALF_BIN - mean) * scale;
  const high = x > 1 - HALF_BIN ? Infinity : (x + HALF_BIN - mean) * scale;
  return logNormalInterval(low, high);
};
