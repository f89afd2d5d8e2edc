import { createDiffusion, type Diffusion } from "./diffusion.ts";
import { checkTimesteps } from "./timesteps.ts";

/**
 * The process that has only some of the timesteps: with ᾱ as it is at those, β_i = 1 − ᾱ_{S_i} / ᾱ_{S_{i−1}} (Nichol &
 * Dhariwal 2021, eq. 19). Its step i is the network's timestep S_i; all of them make the process itself.
 *
 * @param timesteps S, descending, as `sectionTimesteps` gives them
 * @throws {TypeError} if an entry is no number
 * @throws {RangeError} if the list is empty, an entry lies outside, or the order is not descending
 */
export const respace = (diffusion: Diffusion, timesteps: ArrayLike<number>): Diffusion => {
  const kept = checkTimesteps(timesteps, diffusion.timesteps).reverse();
  const { alphasCumprod, betas } = diffusion;
  const isNext = (i: number) => i === 0 ? kept[0] === 0 : kept[i] === kept[i - 1] + 1;
  return createDiffusion(
    Array.from(
      kept,
      (t, i) => isNext(i) ? betas[t] : 1 - alphasCumprod[t] / (i === 0 ? 1 : alphasCumprod[kept[i - 1]]),
    ),
  );
};
