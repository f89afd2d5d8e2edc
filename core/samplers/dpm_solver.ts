import type { Diffusion } from "../diffusion.ts";
import type { Plan, PlanRow } from "../plan.ts";
import { type Prediction, startCoefficients } from "../prediction.ts";

/** λ = log(√ᾱ / √(1 − ᾱ)), half the logarithm of the signal-to-noise ratio. */
const halfLogSnr = (alphaCumprod: number): number => (Math.log(alphaCumprod) - Math.log1p(-alphaCumprod)) / 2;

/**
 * Compiles DPM-Solver++(2M), Algorithm 2 of Lu et al. 2022 (arXiv 2211.01095): diffusers' DPMSolverMultistepScheduler
 * with `algorithm_type` "dpmsolver++", `solver_order` 2, `solver_type` "midpoint" and `final_sigmas_type` "zero".
 *
 * The first row has no row before it and the last one leads to σ = 0, where λ is infinite: both are of first order, the
 * same as DDIM. So `lower_order_final` and `euler_at_final` make no difference, and with one step the result is x0. From
 * ᾱ = 0, where λ is −∞, the second row is of first order too, which is the limit of the formula.
 */
export const compileDpmSolver = (
  { diffusion, timesteps, prediction, clip }: {
    diffusion: Diffusion;
    timesteps: Int32Array;
    prediction: Prediction;
    clip: number;
  },
): Plan => {
  const alphaCumprod = (i: number) => i === timesteps.length ? 1 : diffusion.alphasCumprod[timesteps[i]];
  const rows = Array.from(timesteps, (timestep, i): PlanRow => {
    const current = alphaCumprod(i);
    const next = alphaCumprod(i + 1);
    const a = Math.sqrt((1 - next) / (1 - current));
    const weight = Math.sqrt(next) - Math.sqrt(current) * a;
    const first = i === 0 || i === timesteps.length - 1;
    const lambda = halfLogSnr(current);
    const inverseRatio = first ? 0 : (halfLogSnr(next) - lambda) / (lambda - halfLogSnr(alphaCumprod(i - 1)));
    return {
      timestep,
      ...startCoefficients(diffusion, prediction, timestep),
      a,
      b: weight * (1 + inverseRatio / 2),
      h: -weight * inverseRatio / 2,
      c: 0,
      clip,
    };
  });
  return { sampler: "dpmsolver++", prediction, rows };
};
