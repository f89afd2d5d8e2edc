import { betaSchedule, createDiffusion, type Diffusion, fillNormal, normalKl, qStep } from "../../core/mod.ts";

/**
 * A case in which every density of the paper can be written down: data x_0 ~ N(m, s²) in one dimension, and a reverse
 * process whose network is linear, ε_θ(x, t) = share · E[ε | x_t], so that it is ideal at share 1 and wrong otherwise.
 */
export interface GaussianCase {
  readonly diffusion: Diffusion;
  readonly mean: number;
  readonly deviation: number;
  /** μ_θ(x, t) = slope[t] · x + offset[t], by Algorithm 2's line 4; t from 0. */
  readonly slope: Float64Array;
  readonly offset: Float64Array;
  /** σ_t² = β_t. */
  readonly variance: Float64Array;
}

/** Builds the case. */
export const gaussianCase = ({ share = 1, mean = 0.4, deviation = 0.5, timesteps = 10 } = {}): GaussianCase => {
  const diffusion = createDiffusion(betaSchedule("linear", timesteps, { betaStart: 0.02, betaEnd: 0.6 }));
  const { alphas, betas, alphasCumprod: bars } = diffusion;
  // E[ε | x_t] = √(1 − ᾱ) (x_t − √ᾱ m) / (ᾱ s² + 1 − ᾱ).
  const gain = bars.map((bar) => share * Math.sqrt(1 - bar) / (bar * deviation ** 2 + 1 - bar));
  const factor = bars.map((bar, t) => betas[t] / Math.sqrt(1 - bar) * gain[t]);
  return {
    diffusion,
    mean,
    deviation,
    slope: factor.map((value, t) => (1 - value) / Math.sqrt(alphas[t])),
    offset: factor.map((value, t) => value * Math.sqrt(bars[t]) * mean / Math.sqrt(alphas[t])),
    variance: betas.slice(),
  };
};

/** `count` paths x_0, x_1 … x_T of the forward process, by its steps (eq. 2): one array a timestep, `path[0]` is x_0. */
export const forwardPaths = (
  { diffusion, mean, deviation }: GaussianCase,
  { count, seed }: { count: number; seed: number },
): Float32Array[] => {
  const noise = (step: number) => fillNormal(new Float32Array(count), { seed, sample: 0, step });
  const path: Float32Array[] = [noise(0).map((z) => mean + deviation * z)];
  for (let t = 0; t < diffusion.timesteps; t++) path.push(qStep(diffusion, path[t], t, noise(t + 1)));
  return path;
};

/** log N(x; mean, variance). */
export const logNormal = (x: number, mean: number, variance: number): number =>
  -0.5 * (Math.log(2 * Math.PI * variance) + (x - mean) ** 2 / variance);

/** The logarithms of all densities of a path x_0, x_1 … x_T, in nats; t as the paper counts, from 1. */
const densities = ({ diffusion, slope, offset, variance }: GaussianCase, x: readonly number[]) => {
  const { timesteps: T, alphas, betas, alphasCumprod, alphasCumprodPrev: previous } = diffusion;
  const { posteriorMeanCoef1: a, posteriorMeanCoef2: b, posteriorVariance } = diffusion;
  const posteriorMean = (t: number) => a[t - 1] * x[0] + b[t - 1] * x[t];
  const modelMean = (t: number) => slope[t - 1] * x[t] + offset[t - 1];
  return {
    T,
    /** log p(x_T). */
    prior: logNormal(x[T], 0, 1),
    /** log p_θ(x_{t−1} | x_t). */
    p: (t: number) => logNormal(x[t - 1], modelMean(t), variance[t - 1]),
    /** log q(x_t | x_{t−1}). */
    step: (t: number) => logNormal(x[t], Math.sqrt(alphas[t - 1]) * x[t - 1], betas[t - 1]),
    /** log q(x_{t−1} | x_t, x_0). */
    posterior: (t: number) => logNormal(x[t - 1], posteriorMean(t), posteriorVariance[t - 1]),
    /** log q(x_t | x_0). */
    marginal: (t: number) => logNormal(x[t], Math.sqrt(alphasCumprod[t - 1]) * x[0], 1 - alphasCumprod[t - 1]),
    /** log q(x_{t−1} | x_0). */
    marginalBefore: (t: number) => logNormal(x[t - 1], Math.sqrt(previous[t - 1]) * x[0], 1 - previous[t - 1]),
    /** KL(q(x_{t−1} | x_t, x_0) ‖ p_θ(x_{t−1} | x_t)). */
    divergence: (t: number) =>
      normalKl(posteriorMean(t), Math.log(posteriorVariance[t - 1]), modelMean(t), Math.log(variance[t - 1])),
    /** KL(q(x_T | x_0) ‖ p(x_T)). */
    priorDivergence: normalKl(Math.sqrt(alphasCumprod[T - 1]) * x[0], Math.log(1 - alphasCumprod[T - 1]), 0, 0),
  };
};

/**
 * What stands under the expectation in each line of the paper's appendix A, for one path, in nats: a sum over the whole
 * of the path, written as that line writes it. Keys are the numbers of the equations.
 */
export const integrands = (
  model: GaussianCase,
  x: readonly number[],
): Record<17 | 18 | 19 | 20 | 21 | 22, number> => {
  const { T, prior, p, step, posterior, marginal, marginalBefore, divergence, priorDivergence } = densities(model, x);
  const sum = (from: number, term: (t: number) => number): number => {
    let total = 0;
    for (let t = from; t <= T; t++) total += term(t);
    return total;
  };
  return {
    17: -(prior + sum(1, p) - sum(1, step)),
    18: -prior - sum(1, (t) => p(t) - step(t)),
    19: -prior - sum(2, (t) => p(t) - step(t)) - (p(1) - step(1)),
    20: -prior - sum(2, (t) => p(t) - posterior(t) + marginalBefore(t) - marginal(t)) - (p(1) - step(1)),
    21: -(prior - marginal(T)) - sum(2, (t) => p(t) - posterior(t)) - p(1),
    22: priorDivergence + sum(2, divergence) - p(1),
  };
};

/** The term of one t > 1 on one path: as eq. 21 has it, of a ratio of densities, and as eq. 22 has it, a divergence. */
export const termsAt = (
  model: GaussianCase,
  x: readonly number[],
  t: number,
): { ratio: number; divergence: number } => {
  const { p, posterior, divergence } = densities(model, x);
  return { ratio: posterior(t) - p(t), divergence: divergence(t) };
};

/** The density of x_0 under the model: normal, as every step of the reverse process is linear. */
export const modelDensity = ({ slope, offset, variance }: GaussianCase): { mean: number; variance: number } => {
  let [mean, spread] = [0, 1];
  for (let t = slope.length - 1; t >= 0; t--) {
    mean = slope[t] * mean + offset[t];
    spread = slope[t] ** 2 * spread + variance[t];
  }
  return { mean, variance: spread };
};

/** Mean and its standard error. */
export const estimate = (values: ArrayLike<number>): { mean: number; error: number; deviation: number } => {
  const n = values.length;
  let mean = 0;
  for (let i = 0; i < n; i++) mean += values[i] / n;
  let square = 0;
  for (let i = 0; i < n; i++) square += (values[i] - mean) ** 2 / (n - 1);
  return { mean, deviation: Math.sqrt(square), error: Math.sqrt(square / n) };
};
