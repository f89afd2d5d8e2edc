import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { createDiffusion } from "../../core/diffusion.ts";
import { lossWeights, type Weighting } from "../../core/loss_weights.ts";
import { PREDICTIONS } from "../../core/prediction.ts";
import { betaSchedule, rescaleZeroTerminalSnr } from "../../core/schedules.ts";

const diffusion = createDiffusion(betaSchedule("linear", 1000));

Deno.test("uniform weights are 1", () => {
  for (const prediction of PREDICTIONS) {
    assertEquals(lossWeights(diffusion, "uniform", { prediction }), new Float64Array(1000).fill(1));
  }
});

Deno.test("min_snr is min(SNR, γ)/SNR for ε, min(SNR, γ) for x_0, min(SNR, γ)/(SNR + 1) for v", () => {
  const gamma = 3;
  const [epsilon, sample, v] = PREDICTIONS.map((prediction) =>
    lossWeights(diffusion, "min_snr", { prediction, gamma })
  );
  diffusion.snr.forEach((snr, t) => {
    assertAlmostEquals(epsilon[t], Math.min(snr, gamma) / snr, 1e-14);
    assertEquals(sample[t], Math.min(snr, gamma));
    assertEquals(v[t], Math.min(snr, gamma) / (snr + 1));
  });
});

Deno.test("snr and vlb weigh the same error alike, whatever is predicted", () => {
  for (const weighting of ["snr", "vlb", "min_snr"] as const) {
    const [epsilon, sample, v] = PREDICTIONS.map((prediction) => lossWeights(diffusion, weighting, { prediction }));
    diffusion.snr.forEach((snr, t) => {
      assertAlmostEquals(epsilon[t] * snr / sample[t], 1, 1e-12);
      assertAlmostEquals(v[t] * (snr + 1) / sample[t], 1, 1e-12);
    });
  }
  assertEquals(lossWeights(diffusion, "snr"), new Float64Array(1000).fill(1));
});

Deno.test("vlb is β² / (2 σ² α (1 − ᾱ)) of eq. 12 for ε", () => {
  const { betas, alphas, alphasCumprod, posteriorVariance } = diffusion;
  const small = lossWeights(diffusion, "vlb");
  const large = lossWeights(diffusion, "vlb", { variance: "fixed_large" });
  for (const t of [1, 10, 999]) {
    const common = betas[t] ** 2 / (2 * alphas[t] * (1 - alphasCumprod[t]));
    assertAlmostEquals(small[t] * posteriorVariance[t] / common, 1, 1e-10);
    assertAlmostEquals(large[t] * betas[t] / common, 1, 1e-10);
  }
});

Deno.test("weights stay finite at a zero terminal SNR, and vlb refuses ε there", () => {
  const zero = createDiffusion(rescaleZeroTerminalSnr(betaSchedule("linear", 100)));
  for (const weighting of ["snr", "min_snr", "vlb"] as const) {
    for (const prediction of ["sample", "v_prediction"] as const) {
      assertEquals(lossWeights(zero, weighting, { prediction }).every(Number.isFinite), true);
    }
  }
  assertEquals(lossWeights(zero, "min_snr").at(-1), 1);
  assertThrows(() => lossWeights(zero, "vlb"), RangeError, "prediction must be sample or v_prediction");
});

Deno.test("lossWeights rejects unknown names and γ ≤ 0, and names them", () => {
  assertThrows(() => lossWeights(diffusion, "min-snr" as Weighting), RangeError, 'received "min-snr"');
  for (const gamma of [0, -1, NaN]) {
    assertThrows(() => lossWeights(diffusion, "min_snr", { gamma }), RangeError, `received ${gamma}`);
  }
  assertThrows(() => lossWeights(diffusion, "vlb", { variance: "learned" }), RangeError, "variance must be one of");
});
