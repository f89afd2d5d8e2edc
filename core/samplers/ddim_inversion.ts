import type { Diffusion } from "../diffusion.ts";
import type { Plan, PlanRow } from "../plan.ts";
import { type Prediction, startCoefficients } from "../prediction.ts";
import { checkPlan, type TimestepOptions, timestepsOf } from "./options.ts";

/** What `compileInversion` reads. */
export interface InversionOptions extends TimestepOptions {
  diffusion: Diffusion;
  /** What the network predicts. @default "epsilon" */
  prediction?: Prediction;
}

/** The step from x_0 itself, whose ε cannot be told from x0: x0 is what the network sees in it as if it were x_t. */
const firstRow = (diffusion: Diffusion, prediction: Prediction, timestep: number): PlanRow => {
  const { p, q } = startCoefficients(diffusion, prediction, timestep);
  const alpha = diffusion.sqrtAlphasCumprod[timestep];
  const row = { timestep, p, q, h: 0, c: 0, clip: Infinity };
  return prediction === "v_prediction" ? { ...row, a: 2 * alpha, b: -1 } : { ...row, a: 1 + alpha, b: -alpha };
};

/**
 * Compiles DDIM inversion, the ODE of DDIM run forwards (Song et al. 2021, section 4.3): from an image x_0 to the x_T that
 * DDIM with η = 0 and the same timesteps turns back into it, up to an error that shrinks with the step.
 *
 * Rows ascend, as in diffusers' DDIMInverseScheduler: each takes x to the noise level of its own timestep, with the
 * network asked at that timestep. x0 is not clipped, since that would not be invertible.
 *
 * @param options.timesteps in the same descending order as for sampling
 * @throws {TypeError} if an option is of the wrong kind
 * @throws {RangeError} if an option is out of range
 */
export const compileInversion = (options: InversionOptions): Plan => {
  const { diffusion, prediction = "epsilon" } = options;
  const timesteps = timestepsOf(diffusion, { spacing: "leading", ...options }, false).reverse();
  const rows = Array.from(timesteps, (timestep, i): PlanRow => {
    const target = diffusion.alphasCumprod[timestep];
    if (i === 0) return firstRow(diffusion, prediction, timestep);
    const current = diffusion.alphasCumprod[timesteps[i - 1]];
    const a = Math.sqrt((1 - target) / (1 - current));
    return {
      timestep,
      ...startCoefficients(diffusion, prediction, timesteps[i - 1]),
      a,
      b: Math.sqrt(target) - Math.sqrt(current) * a,
      h: 0,
      c: 0,
      clip: Infinity,
    };
  });
  return checkPlan({ sampler: "ddim_inversion", prediction, rows });
};
