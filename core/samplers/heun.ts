import type { Diffusion } from "../diffusion.ts";
import type { Plan, PlanRow } from "../plan.ts";
import { type Prediction, startCoefficients } from "../prediction.ts";

/**
 * Compiles Heun's method, Algorithm 1 of Karras et al. 2022 without churn, in the discretization of diffusers'
 * HeunDiscreteScheduler: σ = √(1 − ᾱ)/√ᾱ at each timestep, then 0.
 *
 * A step is two rows, so N steps ask the network 2N − 1 times. The first is Euler's, the same as DDIM. The second asks the
 * network at the end of it and turns the step to the mean of both slopes: with d = (x̂ − x0)/σ and x̂ = x/√ᾱ, both slopes
 * share x̂' and σ', so that only x0 − x0_previous is left of the correction. The last step, to σ = 0, is Euler's alone; so
 * is a first step from ᾱ = 0, where σ is infinite and its mean slope has no finite weight.
 *
 * Timesteps are integers; diffusers keeps the fractions of a "linspace" that does not divide T − 1.
 */
export const compileHeun = (
  { diffusion, timesteps, prediction, clip }: {
    diffusion: Diffusion;
    timesteps: Int32Array;
    prediction: Prediction;
    clip: number;
  },
): Plan => {
  const rows: PlanRow[] = [];
  timesteps.forEach((timestep, i) => {
    const current = diffusion.alphasCumprod[timestep];
    const last = i === timesteps.length - 1;
    const next = last ? 1 : diffusion.alphasCumprod[timesteps[i + 1]];
    const a = Math.sqrt((1 - next) / (1 - current));
    const b = Math.sqrt(next) - Math.sqrt(current) * a;
    rows.push({ timestep, ...startCoefficients(diffusion, prediction, timestep), a, b, h: 0, c: 0, clip });
    if (last || current === 0) return;
    const ratio = Math.sqrt((1 / current - 1) / (1 / next - 1));
    const weight = Math.sqrt(next) * (ratio - 1) / 2;
    const end = timesteps[i + 1];
    rows.push({
      timestep: end,
      ...startCoefficients(diffusion, prediction, end),
      a: 1,
      b: weight,
      h: -weight,
      c: 0,
      clip,
    });
  });
  return { sampler: "heun", prediction, rows };
};
