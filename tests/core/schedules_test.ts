import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { createDiffusion } from "../../core/diffusion.ts";
import { betaSchedule, rescaleZeroTerminalSnr, type ScheduleName, SCHEDULES } from "../../core/schedules.ts";
import golden from "../fixtures/core/schedules.json" with { type: "json" };

const assertClose = (actual: ArrayLike<number>, expected: ArrayLike<number>, relative: number) => {
  assertEquals(actual.length, expected.length);
  for (let t = 0; t < expected.length; t++) {
    assertAlmostEquals(actual[t], expected[t], relative * Math.abs(expected[t]), `entry ${t}`);
  }
};

for (const { name, timesteps, options, betas } of golden.cases) {
  Deno.test(`${name} agrees with diffusers at T = ${timesteps}`, () => {
    const { beta_start: betaStart, beta_end: betaEnd } = options as { beta_start?: number; beta_end?: number };
    assertClose(betaSchedule(name as ScheduleName, timesteps, { betaStart, betaEnd }), betas, 1e-6);
  });
}

Deno.test("const, jsd, warmup10 and warmup50 are those of Ho et al.'s code", () => {
  const ends = { betaStart: 0.1, betaEnd: 0.5 };
  assertClose(betaSchedule("const", 3, ends), [0.5, 0.5, 0.5], 0);
  assertClose(betaSchedule("jsd", 4), [1 / 4, 1 / 3, 1 / 2, 1], 0);
  assertClose(betaSchedule("warmup10", 20, ends), [0.1, ...Array(19).fill(0.5)], 0);
  assertClose(betaSchedule("warmup50", 10, ends), [0.1, 0.2, 0.3, 0.4, ...Array(6).fill(0.5)], 1e-15);
});

Deno.test("linear runs from 0.0001 to 0.02 for any T", () => {
  for (const T of [2, 100, 1000, 4000]) {
    const betas = betaSchedule("linear", T);
    assertEquals([betas[0], betas[T - 1]], [1e-4, 0.02]);
  }
});

Deno.test("every schedule makes a diffusion for T from 1 up", () => {
  for (const name of SCHEDULES) {
    for (const T of [1, 2, 3, 10, 1000]) {
      const { betas, alphasCumprod, posteriorLogVarianceClipped } = createDiffusion(betaSchedule(name, T));
      assertEquals(betas.length, T);
      assert(alphasCumprod.every((value, t) => value >= 0 && value < (t === 0 ? 1 : alphasCumprod[t - 1])), name);
      assert(posteriorLogVarianceClipped.every(Number.isFinite), `${name} at T = ${T}`);
    }
  }
});

Deno.test("rescaleZeroTerminalSnr agrees with diffusers and leaves no signal in x_T", () => {
  for (const { betas, rescaled } of golden.rescaled) {
    const ours = rescaleZeroTerminalSnr(betas);
    assertClose(ours, rescaled, 1e-10);
    const { alphasCumprod, snr } = createDiffusion(ours);
    assertEquals([alphasCumprod.at(-1), snr.at(-1)], [0, 0]);
    assertAlmostEquals(ours[0], betas[0], 1e-15);
  }
});

Deno.test("schedules reject T < 1, unknown names and ends outside (0, 1), and name the argument", () => {
  assertThrows(() => betaSchedule("linear", 0), RangeError, "timesteps must be an integer ≥ 1, received 0");
  assertThrows(() => betaSchedule("linear", 1.5), RangeError, "timesteps");
  assertThrows(() => betaSchedule("linear", NaN), RangeError, "timesteps");
  assertThrows(() => betaSchedule("linear", "9" as unknown as number), TypeError, "timesteps");
  assertThrows(() => betaSchedule("cosin" as ScheduleName, 10), RangeError, 'received "cosin"');
  for (const value of [0, 1, -0.1, 2, NaN, Infinity]) {
    assertThrows(() => betaSchedule("linear", 10, { betaStart: value }), RangeError, `received ${value}`);
    assertThrows(() => betaSchedule("linear", 10, { betaEnd: value }), RangeError, "betaEnd");
    assertThrows(() => betaSchedule("cosine", 10, { maxBeta: value }), RangeError, "maxBeta");
  }
  assertThrows(() => rescaleZeroTerminalSnr([0.5]), RangeError, "betas must have at least 2 elements, received 1");
});

Deno.test("createDiffusion rejects betas outside (0, 1), but for a last one of 1, and names the first", () => {
  for (const value of [0, 1, -1e-9, NaN, Infinity]) {
    assertThrows(() => createDiffusion([0.1, value, 0.1]), RangeError, `betas[1] must be in (0, 1), received ${value}`);
  }
  assertThrows(() => createDiffusion([]), RangeError, "betas must have at least 1 element, received 0");
  assertThrows(() => createDiffusion(["0.1"] as unknown as number[]), TypeError, "betas[0] must be a number");
  assertEquals(createDiffusion([0.1, 1]).alphasCumprod[1], 0);
});
