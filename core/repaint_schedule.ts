import { checkInteger } from "./check.ts";
import type { Diffusion } from "./diffusion.ts";
import type { Plan } from "./plan.ts";

/**
 * One operation of inpainting, with the noise z of the operation.
 *
 * "row": applies row `index` of the plan to x, then puts `scale`·image + `sigma`·z in the place of the known pixels, which
 * is q(x_{t−1} | x_0), eq. 4 of Ho et al. 2020. "renoise": x' = `scale`·x + `sigma`·z, back to what row `index` starts
 * from, eq. 2.
 */
export interface RepaintOperation {
  readonly kind: "row" | "renoise";
  readonly index: number;
  readonly scale: number;
  readonly sigma: number;
}

/** How often and how far RePaint goes back. */
export interface Jumps {
  /** The number of rows of one jump, the paper's j. @default 10 */
  jumpLength?: number;
  /** The times that each stretch is sampled, the paper's r; 1 never goes back. @default 10 */
  jumpSamples?: number;
}

/**
 * Compiles the schedule of RePaint (Lugmayr et al. 2022, Algorithm 1 and figure 9): down through the plan's rows, with
 * `jumpSamples` − 1 returns by `jumpLength` rows from every `jumpLength`-th noise level, the lowest included.
 *
 * The known pixels get √(1 − ᾱ) as the standard deviation of their noise. Line 5 of Algorithm 1 prints the variance there.
 *
 * @param plan of "ddpm" or "ddim": the other samplers carry a history that a jump would break
 * @throws {TypeError} if a jump option is no number
 * @throws {RangeError} if one is no integer ≥ 1, or `plan` is of another sampler
 */
export const compileRepaint = (
  plan: Plan,
  diffusion: Diffusion,
  { jumpLength = 10, jumpSamples = 10 }: Jumps = {},
): RepaintOperation[] => {
  if (plan.sampler !== "ddpm" && plan.sampler !== "ddim") {
    throw new RangeError(`plan must be of the sampler ddpm or ddim, received ${plan.sampler}`);
  }
  checkInteger("jumpLength", jumpLength, 1);
  checkInteger("jumpSamples", jumpSamples, 1);
  const count = plan.rows.length;
  const alphaCumprod = (index: number) => index === count ? 1 : diffusion.alphasCumprod[plan.rows[index].timestep];
  const gaussian = (ratio: number) => ({ scale: Math.sqrt(ratio), sigma: Math.sqrt(1 - ratio) });
  // Jumps repeat them: each is made once.
  const downs = plan.rows.map((_, index): RepaintOperation => ({
    kind: "row",
    index,
    ...gaussian(alphaCumprod(index + 1)),
  }));
  const ups = plan.rows.map((_, index): RepaintOperation => ({
    kind: "renoise",
    index,
    ...gaussian(alphaCumprod(index) / alphaCumprod(index + 1)),
  }));

  const returns = new Map<number, number>();
  for (let level = 0; level < count - jumpLength; level += jumpLength) returns.set(level, jumpSamples - 1);
  const operations: RepaintOperation[] = [];
  // The level is the number of rows still to run.
  for (let level = count; level > 0;) {
    const index = count - level--;
    operations.push(downs[index]);
    const left = returns.get(level) ?? 0;
    if (left === 0) continue;
    returns.set(level, left - 1);
    for (let i = 0; i < jumpLength; i++) operations.push(ups[count - ++level]);
  }
  return operations;
};
