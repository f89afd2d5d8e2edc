import type { Diffusion } from "../diffusion.ts";
import type { Plan, PlanRow } from "../plan.ts";
import { type Prediction, startCoefficients } from "../prediction.ts";
import type { Variance } from "../variance.ts";

/** The variance that the clamp of diffusers' DDPMScheduler keeps the logarithm of β̃ finite with. */
const MIN_VARIANCE = 1e-20;

/**
 * Compiles ancestral sampling, Algorithm 2 of Ho et al. 2020, with the posterior mean of eq. 7.
 *
 * Where timesteps are left out, a step's α is ᾱ_t / ᾱ_s, s being the next timestep of the list (Nichol & Dhariwal 2021,
 * eq. 19). The last row adds no noise, whatever its timestep. "learned" reads log σ² from the network's output, as
 * improved-diffusion does; diffusers reads σ² there.
 *
 * Algorithm 2 is at times printed with ᾱ_t in the place of α_t. It needs 1/√α_t and (1 − α_t)/√(1 − ᾱ_t), which is what
 * eq. 7 comes to when x0 is not clipped.
 */
export const compileDdpm = (
  { diffusion, timesteps, prediction, variance, clip }: {
    diffusion: Diffusion;
    timesteps: Int32Array;
    prediction: Prediction;
    variance: Variance;
    clip: number;
  },
): Plan => {
  const rows = Array.from(timesteps, (timestep, i): PlanRow => {
    const last = i === timesteps.length - 1;
    const current = diffusion.alphasCumprod[timestep];
    const previous = last ? 1 : diffusion.alphasCumprod[timesteps[i + 1]];
    const alpha = current / previous;
    const beta = 1 - alpha;
    const posterior = Math.max((1 - previous) / (1 - current) * beta, MIN_VARIANCE);
    const row = {
      timestep,
      ...startCoefficients(diffusion, prediction, timestep),
      a: Math.sqrt(alpha) * (1 - previous) / (1 - current),
      b: Math.sqrt(previous) * beta / (1 - current),
      h: 0,
      c: 0,
      clip,
    };
    if (last) return row;
    if (variance === "fixed_small" || variance === "fixed_large") {
      return { ...row, c: Math.sqrt(variance === "fixed_small" ? posterior : beta) };
    }
    return { ...row, variance: { kind: variance, minLog: Math.log(posterior), maxLog: Math.log(beta) } };
  });
  return { sampler: "ddpm", prediction, rows };
};
