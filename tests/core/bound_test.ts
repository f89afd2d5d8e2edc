import { assert, assertAlmostEquals, assertEquals, assertLess, assertRejects, assertThrows } from "@std/assert";
import { boundTerm, calcBpd, priorBitsPerDim, simpleLoss } from "../../core/bound.ts";
import { createDiffusion } from "../../core/diffusion.ts";
import { qSample } from "../../core/forward.ts";
import { predictEpsilon } from "../../core/prediction.ts";
import { betaSchedule } from "../../core/schedules.ts";

const paper = createDiffusion(betaSchedule("linear", 1000));
const small = createDiffusion(betaSchedule("linear", 20, { betaEnd: 0.4 }));

/** Every byte value once. */
const ramp = Float32Array.from({ length: 256 }, (_, byte) => byte / 127.5 - 1);

/** The network that knows the images: its ε is the noise in x, to float32. */
const oracle = (start: Float32Array, diffusion = small) => (x: Float32Array, timesteps: Int32Array) =>
  predictEpsilon(diffusion, "sample", x, timesteps[0], start);

Deno.test("L_T of the paper's schedule is about 1e-5 bits per dimension", () => {
  const bits = priorBitsPerDim(paper, ramp);
  // ½(ᾱ x² − ᾱ − log(1 − ᾱ)) → ½ᾱ x² nats; x² is about 1/3 here.
  const meanSquare = ramp.reduce((sum, x) => sum + x * x, 0) / 256;
  assertAlmostEquals(bits, paper.alphasCumprod[999] * meanSquare / 2 / Math.LN2, 1e-8);
  assert(bits > 0.9e-5 && bits < 1.1e-5, String(bits));
});

Deno.test("a divergence is 0 for the true ε and variance, and grows with the error of ε", () => {
  const noise = ramp.map((_, i) => Math.sin(i));
  const xt = qSample(paper, ramp, 400, noise);
  const bits = (error: number) => {
    const output = noise.map((value) => value + error);
    return boundTerm(paper, ramp, { xt, t: 400, output }).bits;
  };
  assertLess(bits(0), 1e-9);
  // Eq. 12: β² / (2 σ² α (1 − ᾱ)) of the squared error.
  const { betas, alphas, alphasCumprod, posteriorVariance } = paper;
  const weight = betas[400] ** 2 / (2 * posteriorVariance[400] * alphas[400] * (1 - alphasCumprod[400]));
  assertAlmostEquals(bits(0.5), weight * 0.25 / Math.LN2, 1e-6);
});

Deno.test("calcBpd gives its prior, its terms by t, their sum and the errors of x_0 and ε", async () => {
  const evaluate = oracle(ramp);
  const [bound] = await calcBpd(small, ramp, { evaluate, seed: 4 });
  assertEquals(bound.prior, priorBitsPerDim(small, ramp));
  assertEquals([bound.terms.length, bound.xStartMse.length, bound.mse.length], [20, 20, 20]);
  assertAlmostEquals(bound.total, bound.prior + bound.terms.reduce((sum, bits) => sum + bits), 1e-12);
  for (let t = 1; t < 20; t++) assertLess(bound.terms[t], 1e-6);
  // With x_0 known, what is left is the decoder: a normal of known mean and variance β̃_2, cut into bins.
  assert(
    bound.terms[0] >= 0 && bound.terms[0] < 0.01 + Math.log2(1 + Math.sqrt(small.posteriorVariance[1]) * 4.2 * 127.5),
  );
  assertLess(Math.max(...bound.xStartMse), 1e-9);
  assertLess(Math.max(...bound.mse), 1e-9);
});

Deno.test("calcBpd of the ideal network for normal data comes down to the entropy of that data, and no lower", async () => {
  // For x_0 ~ N(0, s²), E[ε | x_t] = √(1 − ᾱ) x_t / (ᾱ s² + 1 − ᾱ), and the bound is tight but for discretisation in t.
  const s = 0.3;
  const n = 4096;
  const diffusion = createDiffusion(betaSchedule("linear", 200, { betaStart: 1e-4, betaEnd: 0.1 }));
  const values = Float32Array.from({ length: n }, (_, i) => {
    const z = Math.sqrt(-2 * Math.log((i + 0.5) / n)) * Math.cos(2 * Math.PI * ((i * 0.6180339887) % 1));
    return Math.round((s * z + 1) * 127.5) / 127.5 - 1;
  }).map((x) => Math.min(1, Math.max(-1, x)));
  const evaluate = (x: Float32Array, [t]: Int32Array) => {
    const bar = diffusion.alphasCumprod[t];
    return x.map((v) => Math.sqrt(1 - bar) * v / (bar * s * s + 1 - bar));
  };
  const [bound] = await calcBpd(diffusion, values, { evaluate, variance: "fixed_large" });
  const entropy = Math.log2(s * Math.sqrt(2 * Math.PI * Math.E) * 127.5);
  assertLess(bound.total, entropy + 0.1);
  assert(bound.total > entropy - 0.02, `${bound.total} bits, entropy ${entropy}`);
});

Deno.test("calcBpd of an image does not depend on the batch it is in", async () => {
  const other = ramp.toReversed();
  const both = new Float32Array(512);
  both.set(ramp);
  both.set(other, 256);
  const blind = (x: Float32Array) => x.map((v) => 0.9 * v);
  const together = await calcBpd(small, both, { evaluate: blind, count: 2, seed: 1 });
  const [first] = await calcBpd(small, ramp, { evaluate: blind, seed: 1 });
  const [second] = await calcBpd(small, other, { evaluate: blind, seed: 1, sample: 1 });
  assertEquals(together, [first, second]);
});

Deno.test("simpleLoss is the mean squared error", () => {
  assertEquals(simpleLoss(Float32Array.of(1, 2, 3, 4), Float32Array.of(1, 0, 3, 6)), 2);
});

Deno.test("the bound rejects lengths that differ, NaN and counts that do not divide, and names them", async () => {
  const xt = new Float32Array(256);
  const short = new Float32Array(255);
  assertThrows(() => simpleLoss(xt, short), RangeError, "output must have 256 elements, received 255");
  assertThrows(() => priorBitsPerDim(paper, [0] as unknown as Float32Array), TypeError, "start");
  assertThrows(() => boundTerm(paper, short, { xt, t: 1, output: xt }), RangeError, "xt must have 255 elements");
  assertThrows(() => boundTerm(paper, ramp, { xt, t: 1, output: xt.map(() => NaN) }), RangeError, "received NaN");
  const evaluate = () => short;
  await assertRejects(() => calcBpd(small, ramp, { evaluate }), RangeError, "the network's output must have 256");
  await assertRejects(() => calcBpd(small, ramp, { evaluate, count: 3 }), RangeError, "elements of an image");
  await assertRejects(() => calcBpd(small, ramp, { evaluate, seed: -1 }), RangeError, "seed");
});
