import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import {
  discretizedGaussianLogLikelihood,
  erf,
  erfc,
  erfcx,
  logNormalInterval,
  normalKl,
} from "../../core/gaussian.ts";
import golden from "../fixtures/core/gaussian.json" with { type: "json" };

type Three = [number, number, number];
type Four = [number, number, number, number];

const assertRelative = (actual: number, expected: number, relative: number, message?: string) =>
  assertAlmostEquals(actual, expected, relative * Math.abs(expected), message);

Deno.test("erf, erfc and erfcx agree with scipy.special", () => {
  golden.errors.x.forEach((x, i) => {
    assertRelative(erf(x), golden.errors.erf[i], 2e-15, `erf(${x})`);
    assertRelative(erfc(Math.min(x, 26)), golden.errors.erfc[i], 1e-13, `erfc(${x})`);
    assertRelative(erfcx(x), golden.errors.erfcx[i], 2e-14, `erfcx(${x})`);
  });
});

Deno.test("erf and erfc take infinities and pass NaN on", () => {
  assertEquals([erf(Infinity), erf(-Infinity), erfc(Infinity), erfc(-Infinity), erfcx(Infinity)], [1, -1, 0, 2, 0]);
  assertEquals([erf(NaN), erfc(NaN), erfcx(NaN)], [NaN, NaN, NaN]);
});

Deno.test("logNormalInterval is 0 for the whole line and finite far out", () => {
  assertEquals(logNormalInterval(-Infinity, Infinity), 0);
  assertAlmostEquals(logNormalInterval(0, Infinity), -Math.LN2, 1e-15);
  // Φ(−z) → φ(z)/z · (1 − 1/z² + …).
  const z = 10_000;
  assertRelative(logNormalInterval(z, Infinity), -z * z / 2 - Math.log(z * Math.sqrt(2 * Math.PI)), 1e-14);
  assertEquals(logNormalInterval(z, z + 1), logNormalInterval(-z - 1, -z));
});

Deno.test("normalKl agrees with scipy's numerical integral of p log(p/q) to 1e-9", () => {
  for (const { arguments: args, nats } of golden.divergences) assertRelative(normalKl(...args as Four), nats, 1e-9);
});

Deno.test("normalKl of a normal and itself is 0, and of nearly equal ones keeps its digits", () => {
  assertEquals(normalKl(0.3, -2, 0.3, -2), 0);
  // ½(eᵈ − 1 − d) → d²/4; the subtraction leaves about 1e-16/d of it.
  assertRelative(normalKl(0, 1e-5, 0, 0), 1e-10 / 4 * (1 + 1e-5 / 3), 1e-5);
});

Deno.test("discretizedGaussianLogLikelihood agrees with scipy to 1e-9, as far as 300 standard deviations out", () => {
  for (const { arguments: args, nats } of golden.bins) {
    // SciPy's own log of a probability near 1 is off by 1e-16.
    const tolerance = 1e-9 * Math.abs(nats) + 1e-15;
    assertAlmostEquals(discretizedGaussianLogLikelihood(...args as Three), nats, tolerance, String(args));
  }
});

Deno.test("discretizedGaussianLogLikelihood sums to 1 over the 256 pixel values, in float32 too", () => {
  for (const [mean, logVariance] of [[0.1, -9], [-1, -3], [2, 0], [0.999, 3]]) {
    for (const round of [Number, Math.fround]) {
      let sum = 0;
      for (let byte = 0; byte < 256; byte++) {
        sum += Math.exp(discretizedGaussianLogLikelihood(round(byte / 127.5 - 1), mean, logVariance));
      }
      assertAlmostEquals(sum, 1, round === Number ? 1e-12 : 1e-5);
    }
  }
});

Deno.test("normalKl and discretizedGaussianLogLikelihood reject NaN, and name the argument", () => {
  assertThrows(() => normalKl(NaN, 0, 0, 0), RangeError, "mean1 must be finite, received NaN");
  assertThrows(() => normalKl(0, -Infinity, 0, 0), RangeError, "logVariance1");
  assertThrows(() => normalKl(0, 0, 0, NaN), RangeError, "logVariance2");
  assertThrows(() => discretizedGaussianLogLikelihood(1.01, 0, 0), RangeError, "x must be in [-1, 1], received 1.01");
  assertThrows(() => discretizedGaussianLogLikelihood(0, NaN, 0), RangeError, "mean");
  assertThrows(() => discretizedGaussianLogLikelihood(0, 0, NaN), RangeError, "logVariance");
  assertThrows(
    () => discretizedGaussianLogLikelihood(null as unknown as number, 0, 0),
    TypeError,
    "x must be a number",
  );
});
