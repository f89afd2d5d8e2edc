import { checkNumber, checkOneOf, checkSameLength } from "./check.ts";
import type { Diffusion } from "./diffusion.ts";
import { qSample } from "./forward.ts";
import { DOMAINS, fillNormal } from "./noise.ts";

/**
 * Linear interpolation (1 − λ) a + λ b.
 *
 * @param lambda λ in [0, 1]
 * @throws {TypeError} if an argument is of the wrong kind
 * @throws {RangeError} if λ is out of range or the lengths differ
 */
export const lerp = (a: Float32Array, b: Float32Array, lambda: number): Float32Array => {
  checkSameLength({ a, b });
  checkNumber("lambda", lambda, 0, 1);
  return a.map((value, i) => (1 - lambda) * value + lambda * b[i]);
};

/**
 * Spherical interpolation (sin((1 − λ)θ) a + sin(λθ) b) / sin θ, θ the angle between a and b: unlike the linear one it
 * keeps the norm of noise, about √length. Falls back to `lerp` where a and b are (anti)parallel or one is 0.
 *
 * @param lambda λ in [0, 1]
 * @throws {TypeError} if an argument is of the wrong kind
 * @throws {RangeError} if λ is out of range or the lengths differ
 */
export const slerp = (a: Float32Array, b: Float32Array, lambda: number): Float32Array => {
  checkSameLength({ a, b });
  checkNumber("lambda", lambda, 0, 1);
  let aa = 0;
  let bb = 0;
  let ab = 0;
  for (let i = 0; i < a.length; i++) {
    aa += a[i] * a[i];
    bb += b[i] * b[i];
    ab += a[i] * b[i];
  }
  const angle = Math.acos(Math.min(1, Math.max(-1, ab / Math.sqrt(aa * bb))));
  const sine = Math.sin(angle);
  if (!(sine > 1e-6)) return lerp(a, b, lambda);
  const p = Math.sin((1 - lambda) * angle) / sine;
  const q = Math.sin(lambda * angle) / sine;
  return a.map((value, i) => p * value + q * b[i]);
};

/** How two latents can be mixed. */
export const INTERPOLATIONS = ["linear", "spherical"] as const;

/** Options of `interpolateLatents`. */
export interface InterpolationOptions {
  /** The timestep whose latents are mixed, 0 … T − 1: the larger, the coarser what the mixture keeps of its sources. */
  t: number;
  /** λ in [0, 1]: 0 gives the first image, 1 the second. */
  lambda: number;
  /** "linear" by default, as in the paper. */
  method?: typeof INTERPOLATIONS[number];
  /** Seed of both latents' noise; 0 by default. Keep it while λ varies. */
  seed?: number;
}

/**
 * The mixture of two images' latents x_t ~ q(x_t | x_0), to be denoised from t (Ho et al. 2020, section 4.4, figure 8).
 *
 * Each image has noise of its own, the same for every λ. It is the latents x_t that are mixed; where a text has x_0
 * mixed, that is a slip: a mixture of images is a double exposure, which denoising a mixture of latents avoids.
 *
 * @param start x_0 of the first image, values in [−1, 1]
 * @param other x_0 of the second, of the same shape
 * @returns x̄_t
 * @throws {TypeError} if an argument is of the wrong kind
 * @throws {RangeError} if an option is out of range or the lengths differ
 */
export const interpolateLatents = (
  diffusion: Diffusion,
  start: Float32Array,
  other: Float32Array,
  { t, lambda, method = "linear", seed = 0 }: InterpolationOptions,
): Float32Array => {
  checkSameLength({ start, other });
  checkOneOf("method", method, INTERPOLATIONS);
  const [a, b] = [start, other].map((image, sample) => {
    const noise = fillNormal(new Float32Array(image.length), { seed, sample, step: 0, domain: DOMAINS.encoding });
    return qSample(diffusion, image, t, noise);
  });
  return (method === "linear" ? lerp : slerp)(a, b, lambda);
};
