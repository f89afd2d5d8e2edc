import type { Diffusion } from "../diffusion.ts";
import type { Plan, PlanRow } from "../plan.ts";
import { type Prediction, startCoefficients } from "../prediction.ts";

/**
 * Compiles DDIM, eq. 12 of Song et al. 2021, with the σ of eq. 16: η = 0 is deterministic, η = 1 is DDPM with β̃.
 *
 * The direction that points to x_t is derived from x0 after clipping (diffusers' `use_clipped_model_output`), so that x'
 * is linear in x and x0. A step leads to the next timestep of the list; diffusers' DDIMScheduler always goes down by
 * ⌊T / steps⌋, which is the same only where the timesteps are that far apart.
 */
export const compileDdim = (
  { diffusion, timesteps, prediction, eta, clip }: {
    diffusion: Diffusion;
    timesteps: Int32Array;
    prediction: Prediction;
    eta: number;
    clip: number;
  },
): Plan => {
  const rows = Array.from(timesteps, (timestep, i): PlanRow => {
    const current = diffusion.alphasCumprod[timestep];
    const previous = i === timesteps.length - 1 ? 1 : diffusion.alphasCumprod[timesteps[i + 1]];
    const variance = eta ** 2 * (1 - previous) / (1 - current) * (1 - current / previous);
    const a = Math.sqrt(Math.max(1 - previous - variance, 0) / (1 - current));
    return {
      timestep,
      ...startCoefficients(diffusion, prediction, timestep),
      a,
      b: Math.sqrt(previous) - Math.sqrt(current) * a,
      h: 0,
      c: Math.sqrt(variance),
      clip,
    };
  });
  return { sampler: "ddim", prediction, rows };
};
