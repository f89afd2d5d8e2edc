/** Samplers as data: each compiles a schedule and its options to a plan, and one loop runs them all. */

import { checkNumber, checkOneOf } from "./check.ts";
import type { Diffusion } from "./diffusion.ts";
import { checkPlan, type Plan, type PlanRow, type SamplerName, SAMPLERS } from "./plan.ts";
import { type Prediction, PREDICTIONS, startCoefficients } from "./prediction.ts";
import { type Variance, VARIANCES } from "./reverse.ts";
import { resolveTimesteps, type TimestepOptions } from "./timesteps.ts";

/** What `compilePlan` reads. */
export interface PlanOptions extends TimestepOptions {
  diffusion: Diffusion;
  /** @default "ddpm" */
  sampler?: SamplerName;
  /** The share of DDPM's noise, in [0, 1]; read by "ddim" alone. @default 0 */
  eta?: number;
  /** What the network predicts. @default "epsilon" */
  prediction?: Prediction;
  /** The variance of the reverse process; read by "ddpm" alone. @default "fixed_small" */
  variance?: Variance;
  /** The bound of |x0|, in (0, Infinity]; Infinity for none. @default 1 */
  clip?: number;
}

/** What every sampler is compiled from: a process, the timesteps to visit, and what the network's output means. */
interface SamplerInput {
  readonly diffusion: Diffusion;
  readonly timesteps: Int32Array;
  readonly prediction: Prediction;
  readonly clip: number;
}

/**
 * Compiles a sampler to its plan.
 *
 * The spacing's default is that of diffusers' scheduler: "leading" for "ddpm" and "ddim", "linspace" for "heun" and
 * "dpmsolver++". To start from an x_t of lower noise, give the timesteps from t downwards as `timesteps`.
 *
 * @throws {TypeError} if an option is of the wrong kind
 * @throws {RangeError} if an option is out of range, or the plan asks a network that predicts ε for ᾱ = 0
 */
export const compilePlan = (options: PlanOptions): Plan => {
  const { diffusion, sampler = "ddpm", eta = 0, prediction = "epsilon", variance = "fixed_small", clip = 1 } = options;
  checkOneOf("sampler", sampler, SAMPLERS);
  checkOneOf("prediction", prediction, PREDICTIONS);
  checkOneOf("variance", variance, VARIANCES);
  checkNumber("eta", eta, 0, 1);
  if (clip !== Infinity) checkNumber("clip", clip, 0, Infinity, { min: true });
  const spacing = options.spacing ?? (sampler === "ddpm" || sampler === "ddim" ? "leading" : "linspace");
  const timesteps = resolveTimesteps(diffusion, { ...options, spacing }, sampler === "dpmsolver++");
  const compiled = () => {
    switch (sampler) {
      case "ddpm":
        return compileDdpm({ diffusion, timesteps, prediction, variance, clip });
      case "ddim":
        return compileDdim({ diffusion, timesteps, prediction, eta, clip });
      case "heun":
        return compileHeun({ diffusion, timesteps, prediction, clip });
      case "dpmsolver++":
        return compileDpmSolver({ diffusion, timesteps, prediction, clip });
    }
  };
  return checkPlan(compiled());
};

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
  { diffusion, timesteps, prediction, variance, clip }: SamplerInput & { variance: Variance },
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

/**
 * Compiles DDIM, eq. 12 of Song et al. 2021, with the σ of eq. 16: η = 0 is deterministic, η = 1 is DDPM with β̃.
 *
 * The direction that points to x_t is derived from x0 after clipping (diffusers' `use_clipped_model_output`), so that x'
 * is linear in x and x0. A step leads to the next timestep of the list; diffusers' DDIMScheduler always goes down by
 * ⌊T / steps⌋, which is the same only where the timesteps are that far apart.
 */
const compileDdim = (
  { diffusion, timesteps, prediction, eta, clip }: SamplerInput & { eta: number },
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

/** What `compileInversion` reads. */
export interface InversionOptions extends TimestepOptions {
  diffusion: Diffusion;
  /** What the network predicts. @default "epsilon" */
  prediction?: Prediction;
}

/** The step from x_0 itself, whose ε is not separable from x0: x0 is what the network sees in it as if it were x_t. */
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
  const timesteps = resolveTimesteps(diffusion, { spacing: "leading", ...options }, false).reverse();
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

/**
 * The largest weight of v in a correction of Heun's method, of v since it has unit variance at every noise level.
 *
 * With √ᾱ = cos θ an Euler step to θ' weighs v by sin(θ − θ'), at most 1, and the correction by half of that times
 * √(ᾱ'/ᾱ), which has no bound: where ᾱ is nearly 0, the mean of the two slopes counts the one at σ' over half of a σ that is
 * far larger, and what the network gets wrong there covers the image. The cosine schedule ends at σ = 20291; its first step
 * of 10 would weigh v by 300, the first of 100 by 2.5. Where images are Gaussian, of standard deviation 0.4, leaving those
 * out takes the error of x_0 in 10 steps from 7 to 0.03, in 25 from 0.4 to 0.004, in 100 from 0.005 to 0.0002. On the
 * paper's schedule no correction is left out from 4 steps on, so that it is diffusers' there.
 */
const MAX_CORRECTION = 2;

/**
 * Compiles Heun's method, Algorithm 1 of Karras et al. 2022 without churn, in the discretization of diffusers'
 * HeunDiscreteScheduler: σ = √(1 − ᾱ)/√ᾱ at each timestep, then 0.
 *
 * A step is two rows, so N steps ask the network 2N − 1 times at most. The first is Euler's, the same as DDIM. The second
 * asks the network at the end of it and turns the step to the mean of both slopes: with d = (x̂ − x0)/σ and x̂ = x/√ᾱ, both
 * slopes share x̂' and σ', so that only x0 − x0_previous is left of the correction. The last step, to σ = 0, is Euler's
 * alone, and so is one whose correction would weigh too much ({@linkcode MAX_CORRECTION}).
 *
 * Timesteps are integers; diffusers keeps the fractions of a "linspace" that does not divide T − 1.
 */
const compileHeun = (
  { diffusion, timesteps, prediction, clip }: SamplerInput,
): Plan => {
  const rows: PlanRow[] = [];
  timesteps.forEach((timestep, i) => {
    const current = diffusion.alphasCumprod[timestep];
    const last = i === timesteps.length - 1;
    const next = last ? 1 : diffusion.alphasCumprod[timesteps[i + 1]];
    const a = Math.sqrt((1 - next) / (1 - current));
    const b = Math.sqrt(next) - Math.sqrt(current) * a;
    rows.push({ timestep, ...startCoefficients(diffusion, prediction, timestep), a, b, h: 0, c: 0, clip });
    if (last) return;
    const ratio = Math.sqrt((1 / current - 1) / (1 / next - 1));
    const weight = Math.sqrt(next) * (ratio - 1) / 2;
    // No number where ᾱ is 0 at both ends.
    const isSound = weight * Math.sqrt(1 - next) <= MAX_CORRECTION;
    if (!isSound) return;
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
const compileDpmSolver = (
  { diffusion, timesteps, prediction, clip }: SamplerInput,
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
